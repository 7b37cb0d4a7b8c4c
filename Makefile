# Needs Python 3.11 or newer and make; everything else goes into .venv, pinned and hashed.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin

ifndef PYTHON
PYTHON := $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
export PYTHON  # for the calls of make within make
endif

# Images for Python often set it. Tests start hundreds of processes, which would all compile every module again.
unexport PYTHONDONTWRITEBYTECODE

# Stamps carry what they were made from in their names, so that no half-built or outdated .venv is taken for a good one.
PACKAGES := $(firstword $(shell { echo $(PYTHON); cat requirements/development.txt; } | cksum))
MADE := $(VENV)/.made-$(PACKAGES)
DEPENDENCIES := $(VENV)/.dependencies-$(PACKAGES)
INSTALLED := $(VENV)/.installed-$(firstword $(shell cat pyproject.toml client/pyproject.toml | cksum))

CLIENTS := .installed-$(firstword $(shell cksum < requirements/clients.txt))
GENERATOR := .installed-$(firstword $(shell cksum < requirements/generator.txt))
MANIFESTS := .installed-$(firstword $(shell cksum < requirements/manifests.txt))
RELEASE := .installed-$(firstword $(shell cksum < requirements/release.txt))
NPM := .installed-$(firstword $(shell cksum < tests/clients/package.json))

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(INSTALLED) ## Run everything on this machine and follow a sample to its end (ARGS="--people" or "--batch")
	@$(BIN)/proposals demo $(ARGS)

.PHONY: dev
dev: $(INSTALLED) ## Run everything on this machine until Ctrl-C (ARGS="--data-dir /tmp/proposals")
	@$(BIN)/proposals dev $(ARGS)

# A module is run by one process, in which its tests may share servers; the long tests of crashes go where there is room.
TESTS := $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder
CRASH_TESTS := $(BIN)/pytest -n logical --dist worksteal
CRASHES := tests/crashes tests/processes

TOOLS := $(VENV)/clients/$(CLIENTS) $(VENV)/manifests/$(MANIFESTS) $(VENV)/release/$(RELEASE)

# All at once: tests wait for each other's servers as often as they work, and lint is one process. The dots are those of
# test-rest; what the others print comes when they end. All are run to their ends and must be green.
.PHONY: test
test: ## Check everything that CI checks
	@$(MAKE) --no-print-directory --jobs=2 $(INSTALLED) $(TOOLS)
	@$(MAKE) --no-print-directory --jobs=3 --keep-going test-crashes-at-once test-rest lint-at-once test-deploy-at-once

%-at-once:
	@said=$$($(MAKE) --no-print-directory $* 2>&1); code=$$?; echo "$$said"; exit $$code

.PHONY: test-rest
test-rest: $(INSTALLED) $(VENV)/clients/$(CLIENTS) ## Run the tests of all that need no whole service of their own
	$(TESTS) $(foreach folder,$(CRASHES) tests/deploy,--ignore=$(folder)) $(ARGS) || test $$? -eq 5  # 5: ARGS leaves none

.PHONY: test-deploy
test-deploy: $(INSTALLED) $(VENV)/manifests/$(MANIFESTS) $(VENV)/release/$(RELEASE) ## Check deploy/kubernetes and what `make release` makes
	$(BIN)/pytest tests/deploy $(ARGS) || test $$? -eq 5

.PHONY: test-crashes
test-crashes: $(INSTALLED) ## Run the tests that start, kill and starve whole services
	$(CRASH_TESTS) $(CRASHES) $(ARGS) || test $$? -eq 5

.PHONY: chaos
chaos: $(INSTALLED) ## Kill everything at random for five minutes under load, and at named points
	CHAOS_SECONDS=300 CHAOS_RATE=20 $(BIN)/pytest -s tests/crashes/test_chaos.py tests/crashes/test_named_points.py $(ARGS)

.PHONY: lint
lint: $(INSTALLED) ## Check style, types, the arrows between packages and the words of docs and comments
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python style/lint.py $(PROSE)

# The sentences of people; what generated code says is checked in the OpenAPI document.
PROSE := README.md CONTRIBUTING.md CHANGELOG.md docs client examples deploy docker-compose.yml style \
	activities api cli domain runtime services storage worker workflows bench tests

.PHONY: bench
bench: $(INSTALLED) ## Measure the service beside its peers and write docs/explanation/benchmarks.md (ARGS="--against FOLDER")
	$(BIN)/python -m bench $(ARGS)

.PHONY: bench-quick
bench-quick: $(INSTALLED) ## Print the same table after one short round (ARGS="--against FOLDER")
	$(BIN)/python -m bench --quick $(ARGS)

.PHONY: bench-growth
bench-growth: $(INSTALLED) ## Measure 1,000 to 1,000,000 operations, workers, bodies, and write the pages
	$(BIN)/python -m bench.growth --page $(ARGS)
	$(BIN)/python -m bench.capacity --measure

.PHONY: bench-batches
bench-batches: $(INSTALLED) ## Measure batches beside single calls and write docs/explanation/benchmarks.md
	$(BIN)/python -m bench.batches --page $(ARGS)

.PHONY: bench-hostile
bench-hostile: $(INSTALLED) ## Attack a service that `make dev` runs and measure the others (ARGS="--url ... --data-dir ...")
	$(BIN)/python -m bench.hostile $(ARGS)

.PHONY: bench-monitoring
bench-monitoring: $(INSTALLED) ## Make each alert fire in a real Prometheus (ARGS="--prometheus FILE")
	PYTHONPATH=tests $(BIN)/python -m bench.monitoring $(ARGS)

# Python needs no more than this folder; the other languages need their compilers and packages.
.PHONY: clients
clients: $(INSTALLED) $(VENV)/clients/$(CLIENTS) ## Lint the OpenAPI document, generate clients in three languages and use them (Java, Node)
	@for tool in java javac node npm; do command -v $$tool > /dev/null || { \
		echo "make clients needs $$tool: a JDK from 17 and Node.js from 20" >&2; exit 1; }; done
	@$(MAKE) --no-print-directory $(VENV)/generator/$(GENERATOR) $(VENV)/npm/$(NPM)
	OTHER_LANGUAGES=1 $(BIN)/pytest tests/clients tests/docs/test_pages.py $(ARGS)

# From the commit, not from the folder, and with its time: another build of it gets the same bytes, whatever umask, time
# zone, language and settings of git there are.
DIST := dist
.PHONY: release
release: $(INSTALLED) $(VENV)/release/$(RELEASE) ## Make the wheels of HEAD, the list of their parts (CycloneDX) and SHA256SUMS in dist/
	@problem=$$({ git rev-parse --show-prefix 2>&1 && git rev-parse --quiet --verify HEAD > /dev/null || echo "there is no commit"; } | grep .); \
		test -z "$$problem" || { echo "make release builds a commit, at the top of its clone: $$problem" >&2; exit 1; }
	@test -z "$$(git status --porcelain)" || echo "What is not committed is not in the release: git status shows it" >&2
	@umask 022 && rm -rf "$(DIST)" && mkdir -p "$(DIST)/commit" && \
		git -c tar.umask=022 -c core.autocrlf=false -c core.eol=lf archive HEAD | tar -x -C "$(DIST)/commit"
	@umask 022 && export SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) && \
		$(BIN)/python -m pip wheel -qq --no-deps --no-index --no-build-isolation --wheel-dir "$(DIST)" "$(DIST)/commit/client" "$(DIST)/commit" && \
		PYTHONPATH=$(VENV)/release $(BIN)/python -W ignore -m cyclonedx_py requirements --output-reproducible \
			"$(DIST)/commit/requirements/runtime.txt" | $(BIN)/python "$(DIST)/commit/deploy/sbom.py" > "$(DIST)/proposals.cdx.json"
	@rm -rf "$(DIST)/commit" && cd "$(DIST)" && LC_ALL=C && export LC_ALL && sha256sum *.whl *.json > SHA256SUMS && cat SHA256SUMS

.PHONY: docs
docs: generated ## Build the site of docs/ into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open site/index.html"

.PHONY: answers
answers: $(INSTALLED) ## Write what comes into the answers of docs/ and into examples/callbacks (ARGS="-k first-shift")
	WRITE_ANSWERS=1 OTHER_LANGUAGES=1 $(BIN)/pytest -q tests/docs/test_pages.py tests/api/test_callback_samples.py $(ARGS)

.PHONY: screenshots
screenshots: $(INSTALLED) ## Photograph a running `make dev` for docs/assets (needs Chromium; ARGS="--url http://127.0.0.1:8001")
	PYTHONPATH=tests $(BIN)/python tests/docs/screenshots.py $(ARGS)

.PHONY: generated
generated: $(INSTALLED) ## Write what is generated from the code: settings, errors, commands, OpenAPI document, Python client
	@$(BIN)/proposals config docs docs/reference/configuration.md
	@$(BIN)/proposals errors docs docs/reference/errors.md
	@$(BIN)/proposals cli docs docs/reference/cli.md
	@$(BIN)/proposals openapi docs/openapi.json
	@$(BIN)/python client/generate.py

.PHONY: requirements
requirements: ## Pin what pyproject.toml asks for, with hashes (needs uv; ARGS=--upgrade for the newest of all)
	$(PIN) pyproject.toml -o requirements/runtime.txt
	$(PIN) --group build -o requirements/build.txt
	$(PIN) pyproject.toml --extra local --group dev -o requirements/development.txt
	$(PIN) --group clients -o requirements/clients.txt
	$(PIN) --group generator -o requirements/generator.txt
	$(PIN) --group manifests --no-emit-package numpy -o requirements/manifests.txt  # 60 MB that no check imports
	$(PIN) --group release -o requirements/release.txt
	$(PIN) -c requirements/runtime.txt bench/peers/requirements.in -o bench/peers/requirements.txt

PIN = uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-package proposals-client \
	--no-emit-index-url --no-header --quiet $(ARGS)

.PHONY: clean
clean: ## Remove .venv, caches and build products (not the data in .proposals)
	rm -rf $(VENV) $(VENV).lock build dist site *.egg-info client/build client/*.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .bench
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One make at a time builds .venv. What a make that was killed has begun goes on, and its processes hold the lock.
define LOCK
import fcntl, os, sys
lock = os.open("$(VENV).lock", os.O_CREAT | os.O_RDWR)
os.set_inheritable(lock, True)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("Waiting for another make that builds $(VENV) ...", file=sys.stderr, flush=True)
    fcntl.flock(lock, fcntl.LOCK_EX)
os.execvp("sh", ["sh", "-c", sys.argv[1]])
endef
export LOCK
LOCKED = $(PYTHON) -c "$$LOCK"

$(MADE):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(LOCKED) 'test ! -e $@ || exit 0; \
		echo "Building $(VENV) with $$($(PYTHON) --version): $$(grep -c == requirements/development.txt) packages, about a minute ..." && \
		$(PYTHON) -m venv --clear $(VENV) && touch $@'

# The first stamp is away until all packages are there, so that a half-built .venv is made anew.
$(DEPENDENCIES): $(MADE)
	@$(LOCKED) 'test ! -e $@ || exit 0; began=$$(date +%s) && mv $(MADE) $(VENV)/.making && \
		$(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check --require-hashes -r requirements/development.txt && \
		mv $(VENV)/.making $(MADE) && echo "... built in $$(($$(date +%s) - began)) s" && touch $@'

# setuptools is among the pinned dependencies, so that building the project and its client needs no network.
$(INSTALLED): $(DEPENDENCIES)
	@$(LOCKED) 'test ! -e $@ || exit 0; \
		$(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check --no-deps --no-build-isolation --editable ./client --editable . && \
		touch $@'

$(VENV)/clients/$(CLIENTS) $(VENV)/generator/$(GENERATOR) $(VENV)/manifests/$(MANIFESTS) $(VENV)/release/$(RELEASE): $(MADE)
	@test -e $@ || { rm -rf $(@D) && $(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check --no-deps \
		--require-hashes --target $(@D) -r requirements/$(notdir $(@D)).txt && touch $@; }

$(VENV)/npm/$(NPM): $(DEPENDENCIES)
	@rm -rf $(@D) && mkdir -p $(@D) && cp tests/clients/package.json $(@D)
	@npm install --prefix $(@D) --no-package-lock --ignore-scripts --no-audit --no-fund --silent
	@touch $@

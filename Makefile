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

# Stamps carry what they were made from in their names, so that no half-built or outdated .venv is taken for a good one.
DEPENDENCIES := $(VENV)/.dependencies-$(firstword $(shell { echo $(PYTHON); cat requirements/development.txt; } | cksum))
INSTALLED := $(VENV)/.installed-$(firstword $(shell cat pyproject.toml client/pyproject.toml | cksum))

CLIENTS := .installed-$(firstword $(shell cksum < requirements/clients.txt))
GENERATOR := .installed-$(firstword $(shell cksum < requirements/generator.txt))
NPM := .installed-$(firstword $(shell cksum < tests/clients/package.json))

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(INSTALLED) ## Run everything on this machine and follow a sample to its end (ARGS="--batch --api-port 8001")
	@$(BIN)/proposals demo $(ARGS)

.PHONY: dev
dev: $(INSTALLED) ## Run everything on this machine until Ctrl-C (ARGS="--data-dir /tmp/proposals")
	@$(BIN)/proposals dev $(ARGS)

# A module is run by one process, in which its tests may share servers; the long tests of crashes go where there is room.
TESTS := $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder
CRASH_TESTS := $(BIN)/pytest -n logical --dist worksteal
CRASHES := tests/crashes tests/processes

# Lint runs beside the tests; both are run to their ends and must be green.
.PHONY: test
test: $(INSTALLED) ## Check everything that CI checks
	@$(MAKE) --no-print-directory --jobs=2 lint-at-once test-rest
	@$(MAKE) --no-print-directory test-crashes test-chaos

.PHONY: lint-at-once
lint-at-once:
	@said=$$($(MAKE) --no-print-directory lint 2>&1); code=$$?; echo "$$said"; exit $$code

.PHONY: test-rest
test-rest: $(INSTALLED) $(VENV)/clients/$(CLIENTS) ## Run the tests of all that need no whole service of their own
	$(TESTS) $(foreach folder,$(CRASHES),--ignore=$(folder)) $(ARGS) || test $$? -eq 5  # 5: ARGS leaves none

.PHONY: test-crashes
test-crashes: $(INSTALLED) ## Run the tests that start, kill and starve whole services
	$(CRASH_TESTS) -m "not alone" $(CRASHES) $(ARGS) || test $$? -eq 5

.PHONY: test-chaos
test-chaos: $(INSTALLED) ## Kill everything at random for twenty seconds, with the machine for itself
	$(BIN)/pytest -m alone $(CRASHES) $(ARGS) || test $$? -eq 5

.PHONY: chaos
chaos: $(INSTALLED) ## Kill everything at random for five minutes under load, and at named points
	CHAOS_SECONDS=300 CHAOS_RATE=20 $(BIN)/pytest -s tests/crashes/test_chaos.py tests/crashes/test_named_points.py $(ARGS)

.PHONY: lint
lint: $(INSTALLED) ## Check style, types and the arrows between packages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

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

.PHONY: docs
docs: generated ## Build the site of docs/ into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open site/index.html"

.PHONY: answers
answers: $(INSTALLED) ## Follow the pages of docs/ and write what comes into their answers (ARGS="-k first-shift")
	WRITE_ANSWERS=1 OTHER_LANGUAGES=1 $(BIN)/pytest -q tests/docs/test_pages.py $(ARGS)

.PHONY: screenshots
screenshots: $(INSTALLED) ## Photograph a running `make dev` for docs/assets (needs Chromium; ARGS="--url http://127.0.0.1:8001")
	PYTHONPATH=tests $(BIN)/python tests/docs/screenshots.py $(ARGS)

.PHONY: generated
generated: $(INSTALLED) ## Write what is generated from the code: settings, errors, OpenAPI document, Python client
	@$(BIN)/proposals config docs docs/reference/configuration.md
	@$(BIN)/proposals errors docs docs/reference/errors.md
	@$(BIN)/proposals openapi docs/openapi.json
	@$(BIN)/python client/generate.py

.PHONY: requirements
requirements: ## Pin what pyproject.toml asks for, with hashes (needs uv; ARGS=--upgrade for the newest of all)
	$(PIN) pyproject.toml -o requirements/runtime.txt
	$(PIN) --group build -o requirements/build.txt
	$(PIN) pyproject.toml --extra local --group dev -o requirements/development.txt
	$(PIN) --group clients -o requirements/clients.txt
	$(PIN) --group generator -o requirements/generator.txt
	$(PIN) -c requirements/runtime.txt bench/peers/requirements.in -o bench/peers/requirements.txt

PIN = uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-package proposals-client \
	--no-emit-index-url --no-header --quiet $(ARGS)

.PHONY: clean
clean: ## Remove .venv, caches and build products (not the data in .proposals)
	rm -rf $(VENV) build dist site *.egg-info client/build client/*.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .bench
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(DEPENDENCIES):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Building $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check --require-hashes -r requirements/development.txt
	@touch $@

# setuptools is among the pinned dependencies, so that building the project and its client needs no network.
$(INSTALLED): $(DEPENDENCIES)
	@$(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check --no-deps --no-build-isolation --editable ./client --editable .
	@touch $@

$(VENV)/clients/$(CLIENTS) $(VENV)/generator/$(GENERATOR): $(DEPENDENCIES)
	@rm -rf $(@D)
	@$(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check --no-deps --require-hashes --target $(@D) \
		-r requirements/$(notdir $(@D)).txt
	@touch $@

$(VENV)/npm/$(NPM): $(DEPENDENCIES)
	@rm -rf $(@D) && mkdir -p $(@D) && cp tests/clients/package.json $(@D)
	@npm install --prefix $(@D) --no-package-lock --ignore-scripts --no-audit --no-fund --silent
	@touch $@

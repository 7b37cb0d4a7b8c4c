"""Pages of docs/ run from the top as a reader would, and show what really comes.

`make answers` writes what comes into the pages.
"""

import os
import shlex
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import reader
from doc_pages import answers, rewritten, starts, steps
from issuer import Issuer, a_token
from running_service import Service, running
from shown_answers import difference

from cli.local.ports import free_port

pytestmark = pytest.mark.timeout(900)
DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md") if "```sh\n" in page.read_text())
# Pages whose commands are not for a service on the reader's machine, and what runs them.
NOT_FOLLOWED = {
    "index.md": "it only starts the service: tests/processes/local/test_dev_command.py",
    "guides/back-up-and-restore.md": "tests/processes/test_backup.py",
    "guides/compose.md": "no container engine is needed for tests: tests/packaging/test_deployment.py",
    "guides/evidence-for-an-auditor.md": "tests/docs/test_evidence_page.py, tests/processes/test_audit_commands.py",
    "guides/external-services.md": "as compose: tests/packaging/test_deployment.py, tests/processes/test_production.py",
    "guides/identity-providers.md": "tests/api/test_identity_providers.py",
    "guides/kubernetes.md": "tests/deploy/test_kubernetes.py",
    "guides/private-cas-and-proxies.md": "tests/runtime/test_private_authority.py",
    "guides/upgrade.md": "tests/processes/test_migrate.py, tests/processes/test_worker_versions.py",
}
FOLLOWED = [page for page in PAGES if page not in NOT_FOLLOWED]
SECURED = {"tutorials/first-review.md", "guides/authenticate.md", "guides/smoke-test.md"}
ADDRESS = "http://127.0.0.1:8000"  # of the service, on every page
NODE = "OTHER_LANGUAGES" in os.environ  # as in tests/clients
REWRITE = "WRITE_ANSWERS" in os.environ
# The people of `make demo ARGS="--people"`.
PEOPLE = {
    "advisor_1": "proposals:write proposals:read operations:read consents:record reviews:risk",
    "risk_1": "proposals:read reviews:risk",
    "compliance_1": "proposals:read reviews:compliance audit:read",
    "desk_1": "proposals:write proposals:read operations:read operations:cancel callbacks:manage audit:read",
}


class DevService(Service):
    """As `make dev` has it."""

    def environment(self) -> dict[str, str]:
        addresses = {"PROPOSAL_PUBLIC_URL": self.url, "PROPOSAL_TEMPORAL_UI_URL": self.temporal.ui_url}
        return super().environment() | addresses

    def start_worker(self) -> None:
        super().start_worker()
        assert self.worker is not None
        (self.folder / "worker-pid").write_text(f"{self.worker.pid}\n")

    @contextmanager
    def restarting_the_worker(self) -> Iterator[None]:
        """A page may kill the worker; the next page finds one that works."""
        over = threading.Event()

        def restart() -> None:
            while not over.wait(0.1):
                assert self.worker is not None
                if self.worker.exit_code is not None:
                    self.start_worker()

        thread = threading.Thread(target=restart)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.fixture(scope="module")
def dev(tmp_path_factory, migrated):
    with running(DevService(tmp_path_factory.mktemp("dev"), migrated)) as service:
        yield service


@pytest.fixture(scope="module")
def issuer():
    with Issuer().serving() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def secured_url(dev, issuer):
    """A second API beside the first, as `make demo ARGS="--people"` has it."""
    rules = {"four_eyes": "true", "strict_version_binding": "true", "public_url": ADDRESS} | issuer.settings()
    with dev.another_api(**{f"PROPOSAL_{name.upper()}": str(value) for name, value in rules.items()}) as url:
        yield url


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_page_shows_what_comes(name, dev, issuer, request, tmp_path):
    url = request.getfixturevalue("secured_url") if name in SECURED else dev.url
    tokens = {person: a_token(person, scopes, client_id="local") for person, scopes in PEOPLE.items()}
    environment = reader.prepare(
        tmp_path, dev.environment() | {"PROPOSALS_URL": url}, tokens, worker_pid=dev.folder / "worker-pid"
    )
    page = (DOCS / name).read_text()
    followed = steps(page, node=NODE)
    real = {
        "127.0.0.1:8000": url.removeprefix("http://"),
        "127.0.0.1:8233": dev.temporal.ui_url.removeprefix("http://"),
        "127.0.0.1:7233": dev.temporal.address,
        "https://login.bank.example": issuer.url.removesuffix("/keys"),
        "127.0.0.1:9000": f"127.0.0.1:{free_port()}",
        "https://advice.bank.example": url,
    }

    with dev.restarting_the_worker():
        came = answers(followed, tmp_path, environment, real)

    differs = difference([step.shown for step in followed if step.answer_at is not None], came)
    if differs and REWRITE:
        (DOCS / name).write_text(rewritten(page, followed, came))
    assert not differs or REWRITE, f"{differs}\n`make answers` writes what came"


@pytest.mark.parametrize("command", sorted({one for name in FOLLOWED for one in starts((DOCS / name).read_text())}))
def test_what_starts_the_service_is_known_to_make(command):
    subprocess.run([*shlex.split(command), "--dry-run"], cwd=DOCS.parent, check=True, capture_output=True)


def test_the_pages_that_are_not_followed_have_commands():
    assert set(NOT_FOLLOWED) <= set(PAGES)

"""Real servers for the tests: one PostgreSQL and one Temporal a session, a cloned database a test."""

import fcntl
import gc
import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import data_folders
import httpx2
import migrated_postgres
import own_share
import psycopg
import pytest
import temporal_namespaces
from anyio.from_thread import start_blocking_portal
from builders import a_storage
from cloned_databases import ClonedDatabases
from evidence_keys import a_key_text
from http_clients import http_client
from running_service import Clients, Service, running
from sharing import is_shared
from temporalio.client import Client
from xdist.scheduler import LoadFileScheduling

from cli.local.ports import free_port
from cli.local.postgres import SERVICE_ROLE, SUPERUSER, EmbeddedPostgres
from cli.local.temporal_server import NAMESPACE, TemporalDevServer
from runtime.database import Database
from storage.unit_of_work import Storage

WAITING_LONG = (
    "tests/docs/test_pages.py",
    "tests/activities/test_batch_steps.py",
    "tests/storage/test_outages.py",
    "tests/runtime/test_engine_pool.py",
    "tests/storage/test_listener.py",
)
ROOT = Path(__file__).parent.parent
gc.disable()  # until all tests are collected: nothing that importing and collecting makes goes away
OF_THE_SHARED_SERVICE = {
    *("tests/client/test_batches.py", "tests/client/test_life.py", "tests/client/test_readme.py"),
    *("tests/clients/test_generator.py", "tests/clients/test_python.py", "tests/clients/test_typescript.py"),
    "tests/docs/test_readme.py",
}


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Tests wait for other processes: three more than cores for `-n auto`, one more for `-n logical` beside them."""
    return (os.cpu_count() or 1) + (1 if config.option.numprocesses == "logical" else 3)


class ByServices(LoadFileScheduling):
    """A file is run by one process; so are all files that share a service of processes, which is started once."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "shared_service" if file in OF_THE_SHARED_SERVICE else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return ByServices(config, log) if config.option.dist == "loadfile" else None


def pytest_configure(config: pytest.Config) -> None:
    data_folders.open_root(config)
    own_share.take()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that wait longest come first, so that the others run beside them and not before them."""
    places = {ROOT / file: place for place, file in enumerate(WAITING_LONG)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    data_folders.close_root(config)


@pytest.fixture(scope="session")
def migrated() -> Path:
    """PostgreSQL's data, initialised and migrated, to be copied; made once for all processes of pytest-xdist."""
    root = data_folders.root()
    folder = root / "migrated"
    with (root / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            migrated_postgres.make(folder)
    return folder


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[EmbeddedPostgres]:
    data = data_folders.new_folder() / "postgres"
    migrated_postgres.copy(migrated, data)
    log = tmp_path_factory.mktemp("postgres") / "log"
    with EmbeddedPostgres(data, free_port(), durable=False, log=log) as server:
        yield server


@pytest.fixture(scope="session")
def cloned_databases(postgres_server: EmbeddedPostgres) -> Iterator[ClonedDatabases]:
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as control:
        databases = ClonedDatabases(postgres_server, control)
        yield databases
        databases.close()


@pytest.fixture
def database_dsn(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database, of the test's own unless it is shared: real commits, real NOTIFY, triggers on."""
    if is_shared(request):
        yield request.getfixturevalue("database_of_module")
    else:
        databases: ClonedDatabases = request.getfixturevalue("cloned_databases")
        with databases.one() as dsn:
            yield dsn


@pytest.fixture(scope="module")
def database_of_module(cloned_databases: ClonedDatabases) -> Iterator[str]:
    with cloned_databases.one() as dsn:
        yield dsn


@pytest.fixture
def service_dsn(database_dsn: str) -> str:
    """The test's database by the role that the service has; `database_dsn` is its owner's."""
    return database_dsn.replace(f"//{SUPERUSER}@", f"//{SERVICE_ROLE}@")


@pytest.fixture
async def database(service_dsn: str) -> AsyncIterator[Database]:
    async with Database(service_dsn, pool_size=8, application_name="proposals-test").running() as database:
        yield database


@pytest.fixture
def storage(database: Database) -> Storage:
    return a_storage(database)


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalDevServer]:
    log = tmp_path_factory.mktemp("temporal") / "log"
    with TemporalDevServer(None, free_port(), free_port(), log=log) as server:
        yield server


@pytest.fixture(scope="session")
def temporal_clients(temporal_server: TemporalDevServer) -> Mapping[str, Client]:
    """A client of each namespace of temporal_namespaces.py, by its name. None is bound to an event loop."""
    with start_blocking_portal() as portal:
        return portal.call(temporal_namespaces.prepared, temporal_server.address)


@pytest.fixture
def temporal_namespace() -> str:
    return NAMESPACE


@pytest.fixture
def temporal_client(temporal_clients: Mapping[str, Client], temporal_namespace: str) -> Client:
    return temporal_clients[temporal_namespace]


@pytest.fixture
def sample() -> dict[str, Any]:
    """The create request of the demo."""
    body: dict[str, Any] = json.loads((ROOT / "examples" / "create_proposal.json").read_text())
    return body


@pytest.fixture
def service(request: pytest.FixtureRequest, tmp_path: Path, migrated: Path) -> Iterator[Service]:
    """The whole service as processes, for this test alone unless the test is shared."""
    if is_shared(request):
        yield request.getfixturevalue("shared_service")
    else:
        with running(Service(tmp_path, migrated)) as service:
            yield service


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("shared"), migrated)
    service.more_environment["PROPOSAL_EVIDENCE_KEY"] = a_key_text()
    with running(service):
        yield service


@pytest.fixture
async def clients(service: Service) -> AsyncIterator[Clients]:
    """Clients that behave, of this test's service."""
    async with http_client(
        service.url, limits=httpx2.Limits(max_connections=200, max_keepalive_connections=50)
    ) as http:
        yield Clients(service, http)

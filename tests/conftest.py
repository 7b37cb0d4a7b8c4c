"""Real servers for the tests: one PostgreSQL and one Temporal a session, a cloned database a test."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from running_service import Clients, Service
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from cli.local.ports import free_port
from cli.local.postgres import SERVICE_ROLE, SUPERUSER, EmbeddedPostgres
from cli.local.temporal_server import TemporalDevServer
from runtime.database import Database
from runtime.temporal import register_search_attributes
from storage.migrating import migrate
from storage.unit_of_work import Storage
from workflows.identity import SEARCH_ATTRIBUTES

TEMPLATE = "template_migrated"
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    root = tmp_path_factory.mktemp("postgres")
    with EmbeddedPostgres(root / "data", free_port(), durable=False, log=root / "log") as server:
        server.create_database(TEMPLATE)
        server.create_service_role()
        migrate(server.dsn(TEMPLATE), service_role=SERVICE_ROLE)
        yield server


@pytest.fixture
def database_dsn(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A migrated database of the test's own: real commits, real NOTIFY, triggers on."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as connection:
        connection.execute(
            SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(Identifier(name), Identifier(TEMPLATE))
        )
        yield postgres_server.dsn(name)
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


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
    return Storage(database)


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalDevServer]:
    log = tmp_path_factory.mktemp("temporal") / "log"
    with TemporalDevServer(None, free_port(), free_port(), log=log) as server:
        yield server


@pytest.fixture
async def temporal_client(temporal_server: TemporalDevServer) -> Client:
    client = await Client.connect(temporal_server.address, data_converter=pydantic_data_converter)
    await register_search_attributes(client, SEARCH_ATTRIBUTES)
    return client


@pytest.fixture
def sample() -> dict[str, Any]:
    """The create request of the demo."""
    body: dict[str, Any] = json.loads((ROOT / "examples" / "create_proposal.json").read_text())
    return body


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """The whole service as processes, for this test alone."""
    service = Service(tmp_path)
    try:
        service.start()
        yield service
    finally:
        service.stop()


@pytest.fixture
async def clients(service: Service) -> AsyncIterator[Clients]:
    """Clients that behave, of this test's service."""
    async with httpx2.AsyncClient(
        base_url=service.url,
        timeout=30,
        trust_env=False,
        limits=httpx2.Limits(max_connections=200, max_keepalive_connections=50),
    ) as http:
        yield Clients(service, http)

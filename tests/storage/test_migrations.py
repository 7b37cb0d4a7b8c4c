import asyncio
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from builders import a_stored_operation
from psycopg import errors
from psycopg.sql import SQL, Identifier
from sqlalchemy import create_engine
from sqlalchemy.exc import DatabaseError
from storage_rows import a_created_proposal

from cli.local.postgres import EmbeddedPostgres
from storage.documents import document_seal
from storage.migrating import alembic_config, migrate
from storage.privileges import PRIVILEGES
from storage.schema import required_revision
from storage.tables import metadata
from storage.unit_of_work import Storage

EVIDENCE = ("workflow_events", "approvals", "proposal_versions")


@pytest.fixture
def empty_dsn(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    name = f"empty_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        yield postgres_server.dsn(name)
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def test_there_is_one_head():
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [required_revision()]


def test_an_empty_database_comes_to_the_head_and_stays_there(empty_dsn):
    assert migrate(empty_dsn) == (None, required_revision())
    assert migrate(empty_dsn) == (required_revision(), required_revision())


def test_the_migrated_schema_is_what_the_tables_declare(database_dsn):
    engine = create_engine(database_dsn.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


SOME_DOCUMENT = {
    "sha256": f"sha256:{'a' * 64}",
    "kind": "request",
    "content": b"\x00content%s\xff",
    "encoding": "zstd",
    "size": 12,
    "created_at": datetime(2026, 2, 22, 23, 59, 0, 120, tzinfo=timezone(timedelta(hours=8))),
}


def test_documents_that_are_there_get_the_seal_that_the_service_computes(empty_dsn):
    engine = create_engine(empty_dsn.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.commit()
        names = ", ".join(SOME_DOCUMENT)
        values = ", ".join(f"%({name})s" for name in SOME_DOCUMENT)
        connection.exec_driver_sql(f"INSERT INTO documents ({names}) VALUES ({values})", SOME_DOCUMENT)
        connection.commit()
        command.upgrade(config, "0004")
        connection.commit()
        assert connection.exec_driver_sql("SELECT seal FROM documents").scalar() == document_seal(**SOME_DOCUMENT)
        with pytest.raises(DatabaseError, match="evidence"):
            connection.exec_driver_sql("UPDATE documents SET seal = ''")
    engine.dispose()


async def test_two_migrators_at_once_both_succeed(empty_dsn):
    results = await asyncio.gather(*(asyncio.to_thread(migrate, empty_dsn) for _ in range(3)))
    assert sorted(before or "" for before, _ in results) == ["", required_revision(), required_revision()]


@pytest.mark.parametrize("table", EVIDENCE)
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET proposal_id = proposal_id", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
async def test_evidence_cannot_be_changed_not_even_by_a_superuser(storage: Storage, database_dsn, table, statement):
    await a_created_proposal(storage)
    with psycopg.connect(database_dsn) as connection:
        connection.execute(APPROVAL)
        with pytest.raises(errors.IntegrityConstraintViolation, match="evidence"):
            connection.execute(SQL(statement).format(Identifier(table)))


APPROVAL = """
INSERT INTO approvals (approval_id, proposal_id, event_id, approval_type, approved, actor_id, occurred_at, details)
SELECT 'pap_1', proposal_id, event_id, 'RISK', true, 'reviewer', occurred_at, '{}' FROM workflow_events
"""


async def test_the_services_role_may_do_what_it_needs_and_no_more(database_dsn, service_dsn):
    with psycopg.connect(database_dsn) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        granted = connection.execute(
            "SELECT table_name, string_agg(privilege_type, ', ') FROM information_schema.role_table_grants"
            " WHERE grantee = 'proposals_service' GROUP BY table_name"
        ).fetchall()
    assert {name for (name,) in tables} == PRIVILEGES.keys()
    assert {name: set(rights.split(", ")) for name, rights in granted} == {
        name: set(rights.split(", ")) for name, rights in PRIVILEGES.items()
    }


@pytest.mark.parametrize(
    "statement",
    [
        *(f"{change} {table}" for table in EVIDENCE for change in ("DELETE FROM", "TRUNCATE", "DROP TABLE")),
        *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in (*EVIDENCE, "documents")),
        "UPDATE workflow_events SET reason = '{}'",
        "UPDATE documents SET kind = 'result'",
        "DELETE FROM proposals",
        "DROP TRIGGER workflow_events_append_only ON workflow_events",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE sql AS $$ SELECT 1 $$",
        "SET session_replication_role = replica",
        "UPDATE alembic_version SET version_num = '0'",
    ],
)
def test_the_services_role_cannot_get_around_the_refusals(service_dsn, statement):
    with psycopg.connect(service_dsn) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


def test_a_role_that_is_not_there_is_said(database_dsn):
    with pytest.raises(LookupError, match="nobody"):
        migrate(database_dsn, service_role="nobody")


@pytest.mark.parametrize("statement", ["UPDATE documents SET kind = 'result'", "TRUNCATE documents CASCADE"])
async def test_documents_cannot_be_changed(storage: Storage, database_dsn, statement):
    await a_stored_operation(storage)
    with psycopg.connect(database_dsn) as connection, pytest.raises(errors.IntegrityConstraintViolation):
        connection.execute(statement)


async def test_a_document_in_use_cannot_be_deleted(storage: Storage, database_dsn):
    await a_stored_operation(storage)
    with psycopg.connect(database_dsn) as connection, pytest.raises(errors.ForeignKeyViolation):
        connection.execute("DELETE FROM documents")


@pytest.mark.parametrize(
    "change",
    [
        "status = 'SUCCEEDED', finished_at = now()",
        "status = 'FAILED', finished_at = now()",
        "status = 'RUNNING'",
        "status = 'DONE'",
        "error_code = 'X', error_message = 'Y'",
        "finished_at = now()",
    ],
)
async def test_an_operation_cannot_be_half_ended(storage: Storage, database_dsn, change):
    await a_stored_operation(storage)
    with psycopg.connect(database_dsn) as connection, pytest.raises(errors.CheckViolation):
        connection.execute(f"UPDATE operations SET {change}")

"""The databases of the tests themselves: used again only while they are as a clone is."""

from collections.abc import Iterator

import psycopg
import pytest
from cloned_databases import ClonedDatabases
from operation_rows import insert_operations

from cli.local.postgres import EmbeddedPostgres

ALTERATIONS = {
    "a column": "ALTER TABLE documents ADD COLUMN more text",
    "a limit": "ALTER TABLE documents ALTER COLUMN kind DROP NOT NULL",
    "a trigger": "ALTER TABLE workflow_events DISABLE TRIGGER ALL",
    "an index": "CREATE INDEX more ON operations (created_by)",
    "a table": "CREATE TABLE more (a int)",
    "a function": "ALTER FUNCTION refuse_change() COST 7",
    "a right": "REVOKE SELECT ON operations FROM proposals_service",
    "a setting": "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 64', current_database()); END $$",
    "statistics": "ANALYZE documents",
    "the version": "UPDATE alembic_version SET version_num = '0001'",
}


@pytest.fixture
def databases(postgres_server: EmbeddedPostgres) -> Iterator[ClonedDatabases]:
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as control:
        databases = ClonedDatabases(postgres_server, control)
        yield databases
        databases.close()


def rows_of(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM operations) + (SELECT count(*) FROM documents)"
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("count", [3, 3000])
def test_what_had_rows_alone_is_used_again_without_them(databases: ClonedDatabases, count: int) -> None:
    with databases.one() as first:
        insert_operations(first, count)
        left_open = psycopg.connect(first)
    with databases.one() as second:
        assert (second, rows_of(second)) == (first, 0)
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT")
    left_open.close()


@pytest.mark.parametrize("statement", ALTERATIONS.values(), ids=ALTERATIONS)
def test_what_was_altered_is_never_used_again(databases: ClonedDatabases, statement: str) -> None:
    with databases.one() as first, psycopg.connect(first, autocommit=True) as connection:
        connection.execute(statement)
    with databases.one() as second:
        assert second != first
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(first)


def test_what_another_test_still_uses_is_not_handed_out(databases: ClonedDatabases) -> None:
    with databases.one() as first:
        pass
    with psycopg.connect(first), databases.one() as second:
        assert second != first

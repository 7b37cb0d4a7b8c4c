"""What the doors of storage raise when PostgreSQL is reached and does not do its work."""

import asyncio
from contextlib import suppress

import psycopg
import pytest
from broken_postgres import alter, fail_over, take_no_writes, take_writes
from builders import a_storage, a_stored_operation
from psycopg import errors
from waiting import PATIENCE_SECONDS

from cli.local.postgres import SERVICE_ROLE
from domain.errors import StorageUnavailable
from runtime.database import SESSION_OPTIONS, Database
from storage.unit_of_work import Storage

FAILING_TRIGGER = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{sqlstate}'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON operations FOR EACH ROW EXECUTE FUNCTION fail()
"""


async def until(storage: Storage, *, can_write: bool) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                is_well = await storage.problem() is None
            except StorageUnavailable:
                is_well = False
            if is_well is can_write:
                return
            await asyncio.sleep(0.05)


async def until_stored(storage: Storage) -> None:
    """A pool may still hold connections that the server has ended; each fails one call."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(StorageUnavailable):
                await a_stored_operation(storage)
                return


@pytest.mark.parametrize("sqlstate", ["53100", "53200", "58030", "XX000", "XX001", "25006", "25P03", "57P01", "42501"])
async def test_what_the_server_fails_with_is_an_outage_and_remembered(storage, database_dsn, sqlstate):
    alter(database_dsn, FAILING_TRIGGER.format(sqlstate=sqlstate))
    assert await storage.problem() is None
    with pytest.raises(StorageUnavailable):
        await a_stored_operation(storage)
    known = storage.known_problem
    if sqlstate.startswith("57"):
        assert known is None
    else:
        assert known is not None
        assert sqlstate in known.reason
    alter(database_dsn, "DROP TRIGGER fail ON operations")
    assert await a_stored_operation(storage)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
async def test_a_conflict_of_transactions_may_be_tried_again_and_is_no_outage(storage, database_dsn, sqlstate):
    alter(database_dsn, FAILING_TRIGGER.format(sqlstate=sqlstate))
    with pytest.raises(StorageUnavailable):
        await a_stored_operation(storage)
    assert await storage.problem() is None


@pytest.mark.parametrize(
    ("sqlstate", "error"), [("23514", errors.CheckViolation), ("22003", errors.NumericValueOutOfRange)]
)
async def test_what_is_left_over_is_a_bug(storage, database_dsn, sqlstate, error):
    alter(database_dsn, FAILING_TRIGGER.format(sqlstate=sqlstate))
    with pytest.raises(error):
        await a_stored_operation(storage)
    assert await storage.problem() is None


@pytest.mark.parametrize(
    ("privilege", "table"),
    [("INSERT", "operations"), ("INSERT", "documents"), ("SELECT", "alembic_version")],
)
async def test_a_grant_that_is_lost_is_an_outage_until_it_is_given_back(database, database_dsn, privilege, table):
    storage = a_storage(database)  # of its own: it has not seen the schema yet
    alter(database_dsn, f"REVOKE {privilege} ON {table} FROM {SERVICE_ROLE}")
    with pytest.raises(StorageUnavailable):
        await a_stored_operation(storage)
    alter(database_dsn, f"GRANT {privilege} ON {table} TO {SERVICE_ROLE}")
    assert await a_stored_operation(storage)


@pytest.mark.parametrize(
    ("privilege", "table"), [("UPDATE", "operations"), ("DELETE", "simulations"), ("INSERT", "approvals")]
)
async def test_a_grant_that_is_missing_is_named_before_any_statement_needs_it(storage, database_dsn, privilege, table):
    assert await storage.problem() is None
    alter(database_dsn, f"REVOKE {privilege} ON {table} FROM {SERVICE_ROLE}")
    problem = await storage.problem()
    assert problem is not None
    assert (problem.state, f"may not {privilege} {table}" in problem.reason) == ("cannot_write", True)
    if table == "operations":
        with pytest.raises(StorageUnavailable):
            async with storage.transaction() as transaction:
                await transaction.operation_starts.claim_unstarted(limit=1)
        assert await storage.problem() == problem  # which says more than the SQLSTATE of the statement
        return
    alter(database_dsn, f"GRANT {privilege} ON {table} TO {SERVICE_ROLE}")
    assert await storage.problem() is None


async def test_a_read_that_is_not_allowed_is_an_outage(storage, database_dsn):
    alter(database_dsn, f"REVOKE SELECT ON operations FROM {SERVICE_ROLE}")
    with pytest.raises(StorageUnavailable):
        async with storage.reading() as reading:
            await reading.operations.get("pop_0")


async def test_a_table_that_is_missing_is_named_and_an_outage(storage, database_dsn):
    alter(database_dsn, "ALTER TABLE operations RENAME TO lost")
    problem = await storage.problem()
    assert problem is not None
    assert "table operations is missing" in problem.reason
    with pytest.raises(StorageUnavailable):
        await a_stored_operation(storage)
    alter(database_dsn, "ALTER TABLE lost RENAME TO operations")


async def test_a_server_that_takes_no_writes_is_an_outage_and_leaves_no_session_behind(storage, database, database_dsn):
    await a_stored_operation(storage)
    fail_over(database_dsn)
    await until(storage, can_write=False)
    with pytest.raises(StorageUnavailable):
        await a_stored_operation(storage)
    async with asyncio.timeout(PATIENCE_SECONDS):  # the lost connection opens the breaker first, and for another reason
        while "read-only" not in (database.problem or ""):
            await asyncio.sleep(0.05)
    with pytest.raises(StorageUnavailable):
        async with storage.reading():  # may be a standby that lags behind: it must not deny what was accepted
            pytest.fail("reads are refused, too")
    take_writes(database_dsn)
    await until(storage, can_write=True)
    await asyncio.gather(*(a_stored_operation(storage) for _ in range(30)))


async def test_sessions_that_go_on_do_not_hide_that_new_ones_take_no_writes(storage, database, database_dsn):
    take_no_writes(database_dsn)
    await until(storage, can_write=False)
    assert "read-only" in (database.problem or "")


async def test_a_table_that_is_locked_is_told_by_the_time_outs_of_statements(service_dsn, database_dsn, monkeypatch):
    monkeypatch.setattr("runtime.database.SESSION_OPTIONS", SESSION_OPTIONS)  # the service's own
    monkeypatch.setattr("runtime.database.TIMEOUTS_SECONDS", PATIENCE_SECONDS)

    async def read() -> None:
        async with storage.reading() as reading:
            await reading.operations.get("pop_0")

    async with Database(service_dsn, pool_size=8, application_name="proposals-test").running() as database:
        storage = a_storage(database)
        assert await storage.problem() is None
        with psycopg.connect(database_dsn) as locking:
            locking.execute("LOCK TABLE operations")
            assert isinstance((await asyncio.gather(read(), return_exceptions=True))[0], StorageUnavailable)
            assert await storage.problem() is None  # one is no series
            ended = await asyncio.gather(read(), read(), return_exceptions=True)
            assert [type(failure) for failure in ended] == [StorageUnavailable] * 2
            problem = await storage.problem()
    assert problem is not None
    assert (problem.state, "57014" in problem.reason) == ("cannot_write", True)


async def test_a_transaction_that_idles_for_too_long_is_an_outage(database):
    with pytest.raises(StorageUnavailable):
        async with database.connection() as connection, connection.transaction():
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
            await asyncio.sleep(1)
            await connection.execute("SELECT 1")


async def test_a_role_that_gets_no_new_sessions_works_on_with_those_it_has(storage, database_dsn):
    await a_stored_operation(storage)
    try:
        alter(database_dsn, f"ALTER ROLE {SERVICE_ROLE} CONNECTION LIMIT 0")
        await asyncio.sleep(6)  # new sessions were asked for in between
        assert await a_stored_operation(storage)
        alter(
            database_dsn,
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{SERVICE_ROLE}'",
        )
        await until(storage, can_write=False)
        with pytest.raises(StorageUnavailable):
            await a_stored_operation(storage)
    finally:
        alter(database_dsn, f"ALTER ROLE {SERVICE_ROLE} CONNECTION LIMIT -1")
    await until(storage, can_write=True)
    await until_stored(storage)


async def test_a_process_ends_right_after_a_refused_write(database_dsn):
    """The refusal wakes the probe of new sessions, and the end cancels it at that moment."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with Database(database_dsn, pool_size=1, application_name="proposals-test").running() as database:
            with pytest.raises(StorageUnavailable):
                async with database.connection() as connection, connection.transaction():
                    await connection.execute("SET TRANSACTION READ ONLY")
                    await connection.execute("CREATE TABLE refused ()")

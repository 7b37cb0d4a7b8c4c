"""kill -9 at the points where a promise hangs on one commit; each is made to last until the kill has come."""

import asyncio

import psycopg
from held_up import frozen, somebody_waits_for
from operation_rows import insert_operations
from running_service import Service
from temporalio.client import Client, ScheduleOverlapPolicy
from waiting import PATIENCE_SECONDS

from workflows.identity import PURGE_ID


async def test_after_the_commit_before_the_start(service: Service, clients):
    """Temporal is frozen, so the API has committed and cannot start; then the API is killed."""
    assert service.temporal.child is not None
    with frozen(service.temporal.child.pid):
        operation_ids = [await clients.submit() for _ in range(5)]
        service.kill(service.api)
    started = "SELECT operation_id FROM operations WHERE started_workflow_at IS NOT NULL"
    assert not {operation_id for (operation_id,) in service.rows(started)} & set(operation_ids)
    service.start_api()
    await clients.all_succeed()
    clients.each_exactly_once()


async def test_between_the_commit_of_persist_and_the_completion_of_its_task(service: Service, clients):
    """The commit is held up until Temporal is frozen; so the worker has committed and cannot report; it is killed."""
    assert service.temporal.child is not None
    with psycopg.connect(service.postgres.dsn("proposals")) as connection:
        connection.execute("LOCK TABLE proposals IN SHARE MODE")
        operation_id = await clients.submit()
        with psycopg.connect(service.postgres.dsn("proposals"), autocommit=True) as watching:
            await somebody_waits_for(watching, "proposals")
        with frozen(service.temporal.child.pid):
            connection.rollback()
            assert (await clients.finished(operation_id))["status"] == "SUCCEEDED"
            service.kill(service.worker)
    service.start_worker()
    temporal = await Client.connect(service.temporal.address)
    outcome = await asyncio.wait_for(temporal.get_workflow_handle(operation_id).result(), PATIENCE_SECONDS)
    assert (outcome["operation_id"], outcome["status"]) == (operation_id, "SUCCEEDED")
    clients.each_exactly_once()


async def test_before_the_commit_with_all_that_was_made(service: Service, clients):
    """What the worker has made is in its memory alone and is lost with it; another worker makes it again."""
    with psycopg.connect(service.postgres.dsn("proposals")) as connection:
        connection.execute("LOCK TABLE proposals IN SHARE MODE")
        for _ in range(3):
            await clients.submit()
        with psycopg.connect(service.postgres.dsn("proposals"), autocommit=True) as watching:
            await somebody_waits_for(watching, "proposals")
        service.kill(service.worker)
        connection.rollback()
    service.start_worker()
    await clients.all_succeed()
    clients.each_exactly_once()


async def test_a_small_operation_that_takes_a_while_is_seen_running(service: Service, clients):
    with psycopg.connect(service.postgres.dsn("proposals")) as connection:
        connection.execute("LOCK TABLE proposals IN SHARE MODE")
        operation_id = await clients.submit()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (seen := await clients.status(operation_id))["status"] != "RUNNING":
                await asyncio.sleep(0.05)
        connection.rollback()
    assert seen["created_at"] <= seen["started_at"] < seen["updated_at"]
    ended = await clients.finished(operation_id)
    assert (ended["status"], ended["started_at"]) == ("SUCCEEDED", seen["started_at"])


# Holds the purge once it has removed something. The time limit of a statement ends one wait in it, not a second one.
HOLD = """
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM expired_operations) THEN
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(1);
        EXCEPTION WHEN query_canceled THEN
            PERFORM pg_advisory_xact_lock_shared(1);
        END;
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER hold BEFORE DELETE ON operations FOR EACH ROW WHEN (OLD.client = 'long_gone') EXECUTE FUNCTION hold()
"""


async def test_in_the_middle_of_a_purge(service: Service, clients):
    """The worker is killed between two of the purge's short transactions, during creates; the purge goes on later."""
    insert_operations(service.postgres.dsn("proposals"), 6_000, client="long_gone")
    service.alter("UPDATE operations SET finished_at = finished_at - interval '1 year' WHERE client = 'long_gone'")
    (due,) = service.rows("SELECT count(*) FROM operations WHERE client = 'long_gone' AND status = 'FAILED'")[0]
    service.alter("DELETE FROM operations WHERE client = 'long_gone' AND status <> 'FAILED'")
    temporal = await Client.connect(service.temporal.address)
    kept = "SELECT (SELECT count(*) FROM operations WHERE client = 'long_gone'), count(*) FROM expired_operations"
    with psycopg.connect(service.postgres.dsn("proposals"), autocommit=True) as holding:
        holding.execute("SELECT pg_advisory_lock(1)")
        service.alter(HOLD)
        # Beside the run of the service's start, which may be open still, because its worker was killed.
        await temporal.get_schedule_handle(PURGE_ID).trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL)
        held = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND NOT granted"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holding.execute(held).fetchone():
                await asyncio.sleep(0.01)
        service.kill(service.worker)
        left, purged = service.rows(kept)[0]
    service.alter("DROP FUNCTION hold CASCADE")
    assert left + purged == due
    assert 0 < left < due
    operation_id = await clients.submit()
    assert clients.statuses == [202]
    service.start_worker()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while service.rows(kept)[0] != (0, due):
            await asyncio.sleep(0.5)
    assert (await clients.finished(operation_id))["status"] == "SUCCEEDED"

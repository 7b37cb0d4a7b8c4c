"""What RUNNING and `started_at` say of an operation, and when."""

import asyncio
from datetime import datetime, timedelta

import psycopg
import pytest
from builders import a_stored_operation, without_simulation_flag
from psycopg import AsyncConnection
from storage_rows import Steps
from temporalio.exceptions import ApplicationError

from activities.under_way import MARKED_AFTER
from domain.errors import OperationCancelled
from domain.operation import Operation, OperationFailure
from services.ending import end_failed
from storage.unit_of_work import Storage

WORK = 4 * MARKED_AFTER.total_seconds()
LONG = 3600  # no machine is so slow


async def row(storage: Storage, operation_id: str) -> Operation:
    async with storage.reading() as reading:
        operation = await reading.operations.get(operation_id)
    assert operation is not None
    return operation


def now(dsn: str) -> datetime:
    """By PostgreSQL's clock, from which a worker subtracts what it measured since a step began."""
    with psycopg.connect(dsn) as connection:
        ((at,),) = connection.execute("SELECT now()").fetchall()
    moment: datetime = at
    return moment


async def test_what_takes_a_while_is_marked_running_since_it_was_begun(storage: Storage, database_dsn):
    operation_id = (await a_stored_operation(storage)).operation_id
    steps = Steps(storage)
    before = now(database_dsn)
    await steps.simulate(operation_id)
    begun = now(database_dsn)
    steps.under_way._begun[operation_id] += LONG  # it has not even begun, however slow this machine is
    await steps.under_way.mark_running(storage)
    assert (await row(storage, operation_id)).status == "PENDING"
    steps.under_way._begun[operation_id] -= LONG
    await asyncio.sleep(WORK)
    asked = now(database_dsn)
    await steps.under_way.mark_running(storage)
    marked = await row(storage, operation_id)
    assert marked.status == "RUNNING"
    assert marked.started_at is not None
    assert before <= marked.started_at <= begun + (marked.progress_at - asked)
    assert marked.progress_at > marked.started_at + MARKED_AFTER
    assert marked.started_workflow_at is not None
    await steps.persist(operation_id)
    ended = await row(storage, operation_id)
    assert (ended.status, ended.started_at) == ("SUCCEEDED", marked.started_at)


async def test_what_is_quick_says_when_it_was_begun_all_the_same(storage: Storage, database_dsn):
    operation_id = (await a_stored_operation(storage)).operation_id
    steps = Steps(storage)
    before = now(database_dsn)
    await steps.simulate(operation_id)
    begun = now(database_dsn)
    await asyncio.sleep(WORK)
    asked = now(database_dsn)
    await steps.persist(operation_id)
    ended = await row(storage, operation_id)
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert before <= ended.started_at <= begun + (ended.finished_at - asked)
    assert ended.finished_at - ended.started_at >= timedelta(seconds=WORK)


async def test_no_operation_is_begun_before_it_is_accepted(storage: Storage, database_dsn):
    """A worker that was asleep, with its machine, for as long as it thinks that it has worked."""
    operation_id = (await a_stored_operation(storage)).operation_id
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE operations SET created_at = now()")
    steps = Steps(storage)
    await steps.simulate(operation_id)
    steps.under_way._begun[operation_id] -= 3600
    await steps.persist(operation_id)
    ended = await row(storage, operation_id)
    assert ended.started_at == ended.created_at


async def test_a_refused_operation_says_when_it_was_begun(storage: Storage, database_dsn):
    operation_id = (await a_stored_operation(storage, without_simulation_flag())).operation_id
    steps = Steps(storage)
    before = now(database_dsn)
    with pytest.raises(ApplicationError):
        await steps.simulate(operation_id)
    begun = now(database_dsn)
    await asyncio.sleep(WORK)
    asked = now(database_dsn)
    await steps.finish(operation_id, error_code="X", error_message="Y")
    ended = await row(storage, operation_id)
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert before <= ended.started_at <= begun + (ended.finished_at - asked)


async def test_what_no_worker_has_begun_has_not_started(storage: Storage):
    operation_id = (await a_stored_operation(storage)).operation_id
    await end_failed(storage, operation_id, OperationFailure.of(OperationCancelled))
    assert (await row(storage, operation_id)).started_at is None


async def test_all_that_is_due_is_marked_at_once_but_what_is_locked_or_has_ended(storage: Storage, database_dsn):
    steps = Steps(storage)
    due, locked, ended = [(await a_stored_operation(storage)).operation_id for _ in range(3)]
    for operation_id in (due, locked, ended):
        await steps.simulate(operation_id)
    await end_failed(storage, ended, OperationFailure.of(OperationCancelled))
    await asyncio.sleep(WORK)
    async with await AsyncConnection.connect(database_dsn) as holding:
        await holding.execute("SELECT FROM operations WHERE operation_id = %s FOR UPDATE", [locked])
        await steps.under_way.mark_running(storage)
        found = [(await row(storage, operation_id)).status for operation_id in (due, locked, ended)]
        assert found == ["RUNNING", "PENDING", "FAILED"]
    await steps.under_way.mark_running(storage)
    found = [(await row(storage, operation_id)).status for operation_id in (due, locked, ended)]
    assert found == ["RUNNING", "RUNNING", "FAILED"]


async def test_nothing_is_asked_of_postgresql_when_nothing_is_due(storage: Storage, monkeypatch):
    steps = Steps(storage)
    operation_id = (await a_stored_operation(storage)).operation_id
    await steps.simulate(operation_id)
    await asyncio.sleep(WORK)
    await steps.under_way.mark_running(storage)
    just_now = (await a_stored_operation(storage)).operation_id
    await steps.simulate(just_now)
    steps.under_way._begun[just_now] += LONG  # however slow this machine is
    monkeypatch.setattr(Storage, "autocommit", None)
    await steps.under_way.mark_running(storage)

import asyncio

import psycopg
from builders import a_stored_operation

from domain.errors import OperationCancelled
from domain.operation import OperationFailure
from services.ending import end_failed
from services.lookup import Lookup
from services.waiting import Waiting
from storage.listener import TerminalListener
from storage.unit_of_work import Storage

CANCELLED = OperationFailure.of(OperationCancelled)


async def test_a_waiter_is_woken_by_the_commit_that_ends_its_operation(storage: Storage, database_dsn):
    operation = await a_stored_operation(storage)
    async with TerminalListener(database_dsn).running() as listener:
        await asyncio.wait_for(listener.listening.wait(), 5)
        with listener.subscribed(operation.operation_id) as ended:
            await end_failed(storage, operation.operation_id, CANCELLED)
            await asyncio.wait_for(ended.wait(), 1)


async def test_waiting_answers_soon_after_the_end_and_not_before(storage: Storage, database_dsn):
    operation = await a_stored_operation(storage)
    lookup = Lookup(storage)
    async with TerminalListener(database_dsn).running() as listener:
        await asyncio.wait_for(listener.listening.wait(), 5)
        waiting = asyncio.create_task(
            Waiting(listener).until_terminal(
                lambda: lookup.operation(operation.operation_id, client="local"), seconds=30
            )
        )
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        await end_failed(storage, operation.operation_id, CANCELLED)
        assert (await asyncio.wait_for(waiting, 2)).status == "FAILED"


async def test_waiting_ends_when_the_time_is_up(storage: Storage, database_dsn):
    operation = await a_stored_operation(storage)
    lookup = Lookup(storage)
    async with TerminalListener(database_dsn).running() as listener:
        answer = await Waiting(listener).until_terminal(
            lambda: lookup.operation(operation.operation_id, client="local"), seconds=0.2
        )
    assert answer.status == "PENDING"


async def test_the_listener_connects_again_by_itself(storage: Storage, database_dsn):
    operation = await a_stored_operation(storage)
    async with TerminalListener(database_dsn).running() as listener:
        await asyncio.wait_for(listener.listening.wait(), 5)
        with psycopg.connect(database_dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'proposals-listener'"
                " AND datname = current_database()"
            )
        with listener.subscribed(operation.operation_id) as ended:
            await end_failed(storage, operation.operation_id, CANCELLED)
            await asyncio.wait_for(ended.wait(), 10)

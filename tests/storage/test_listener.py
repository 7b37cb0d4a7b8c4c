import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import psycopg
from builders import a_stored_operation
from waiting import PATIENCE_SECONDS

from cli.local.ports import free_port
from cli.local.postgres import EmbeddedPostgres
from domain.errors import OperationCancelled
from domain.operation import Operation, OperationFailure
from runtime.background import background
from runtime.database import Database
from services.ending import end_failed
from services.lookup import LookupService
from services.waiting import WaitService
from storage.listener import TerminalListener
from storage.unit_of_work import Storage

CANCELLED = OperationFailure.of(OperationCancelled)


@asynccontextmanager
async def listening(database: Database, *, net_seconds: float = 5) -> AsyncIterator[TerminalListener]:
    listener = TerminalListener(net_seconds=net_seconds)
    connect = partial(database.watching, "proposals-listener")
    async with background(partial(listener.listen, connect), name="operation-listener"):
        yield listener


async def test_a_waiter_is_woken_by_the_commit_that_ends_its_operation(storage: Storage, database):
    operation = await a_stored_operation(storage)
    async with listening(database, net_seconds=60) as listener:
        await asyncio.wait_for(listener.listening.wait(), 20)
        with listener.subscribed(operation.operation_id) as ended:
            await end_failed(storage, operation.operation_id, CANCELLED)
            await asyncio.wait_for(ended.wait(), 20)


async def test_waiting_answers_soon_after_the_end_and_not_before(storage: Storage, database):
    operation = await a_stored_operation(storage)
    lookup = LookupService(storage)
    async with listening(database, net_seconds=60) as listener:
        await asyncio.wait_for(listener.listening.wait(), 20)
        waiting = asyncio.create_task(
            WaitService(listener).until_terminal(
                lambda: lookup.operation(operation.operation_id, client="local"), seconds=30
            )
        )
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        await end_failed(storage, operation.operation_id, CANCELLED)
        assert (await asyncio.wait_for(waiting, 20)).status == "FAILED"


async def test_waiting_ends_when_the_time_is_up(storage: Storage, database):
    operation = await a_stored_operation(storage)
    lookup = LookupService(storage)
    async with listening(database) as listener:
        answer = await WaitService(listener).until_terminal(
            lambda: lookup.operation(operation.operation_id, client="local"), seconds=0.2
        )
    assert answer.status == "PENDING"


async def test_a_release_ends_waits_and_lets_none_begin(storage: Storage):
    operation = await a_stored_operation(storage)
    lookup = LookupService(storage)
    listener = TerminalListener()

    async def wait() -> str:
        read = partial(lookup.operation, operation.operation_id, client="local")
        return (await WaitService(listener).until_terminal(read, seconds=60)).status

    waiting = asyncio.create_task(wait())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not listener.subscriptions:
            await asyncio.sleep(0.01)
    listener.release()
    assert await asyncio.wait_for(waiting, 20) == "PENDING"
    assert await asyncio.wait_for(wait(), 20) == "PENDING"


async def test_the_listener_connects_again_by_itself(storage: Storage, database, database_dsn):
    operation = await a_stored_operation(storage)
    async with listening(database) as listener:
        await asyncio.wait_for(listener.listening.wait(), 20)
        with psycopg.connect(database_dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'proposals-listener'"
                " AND datname = current_database()"
            )
        with listener.subscribed(operation.operation_id) as ended:
            await end_failed(storage, operation.operation_id, CANCELLED)
            await asyncio.wait_for(ended.wait(), 30)


async def test_the_net_finds_an_end_that_was_not_notified(storage: Storage, database, database_dsn):
    operations = [await a_stored_operation(storage) for _ in range(3)]
    async with listening(database, net_seconds=0.2) as listener:
        await asyncio.wait_for(listener.listening.wait(), 20)
        with (
            listener.subscribed(operations[0].operation_id) as first,
            listener.subscribed(operations[0].operation_id) as second,
            listener.subscribed(operations[1].operation_id) as other,
        ):
            with psycopg.connect(database_dsn) as connection:
                connection.execute("SET session_replication_role = replica")
                connection.execute(
                    "UPDATE operations SET status = 'FAILED', error_code = 'c', error_message = 'm',"
                    " finished_at = now() WHERE operation_id = ANY(%s)",
                    ([operations[0].operation_id, operations[2].operation_id],),
                )
            await asyncio.wait_for(asyncio.gather(first.wait(), second.wait()), 20)
            assert not other.is_set()
        assert listener.subscriptions == 0


async def test_who_waits_reads_nothing_and_holds_no_connection_meanwhile(storage: Storage, database):
    operations = [(await a_stored_operation(storage)).operation_id for _ in range(20)]
    lookup = LookupService(storage)
    reads: list[str] = []
    async with listening(database, net_seconds=0.1) as listener:
        await asyncio.wait_for(listener.listening.wait(), 20)

        async def wait(operation_id: str) -> None:
            async def read() -> Operation:
                operation = await lookup.operation(operation_id, client="local")
                reads.append(operation_id)
                return operation

            await WaitService(listener).until_terminal(read, seconds=60, operation_id=operation_id)

        waiting = [asyncio.create_task(wait(operation_id)) for operation_id in operations * 25]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(reads) < 500:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        assert (len(reads), database._in_use) == (500, set())
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert listener.subscriptions == 0


async def test_the_listener_leaves_a_server_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setattr("runtime.watch_connection.ANSWER_SECONDS", 0.3)
    with EmbeddedPostgres(tmp_path / "data", free_port(), durable=False, log=tmp_path / "log") as server:
        database = Database(server.dsn(), pool_size=1, application_name="t")
        async with listening(database, net_seconds=0.2) as listener:
            monkeypatch.setattr("storage.listener.SELECT_ENDED", "SELECT '' WHERE %(operation_ids)s::text IS NULL")
            await asyncio.wait_for(listener.listening.wait(), 20)
            frozen = processes(server.child.pid)
            for process in frozen:
                os.kill(process, signal.SIGSTOP)
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while listener.listening.is_set():
                        await asyncio.sleep(0.02)
            finally:
                for process in frozen:
                    os.kill(process, signal.SIGCONT)
            await asyncio.wait_for(listener.listening.wait(), 30)


def processes(pid: int) -> list[int]:
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


async def test_a_table_that_is_locked_costs_the_server_no_more_than_a_few_sessions(database, database_dsn, monkeypatch):
    monkeypatch.setattr("runtime.watch_connection.ANSWER_SECONDS", 1.0)
    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'proposals-listener'"
    counts: list[int] = []
    async with listening(database, net_seconds=0.2) as listener:
        await asyncio.wait_for(listener.listening.wait(), 20)
        with psycopg.connect(database_dsn) as locking, psycopg.connect(database_dsn, autocommit=True) as looking:
            locking.execute("LOCK TABLE operations")
            with listener.subscribed("pop_0"):
                for _ in range(12):
                    await asyncio.sleep(1)
                    ((count,),) = looking.execute(ours + " AND datname = current_database()").fetchall()
                    counts.append(count)
    assert max(counts) <= 2

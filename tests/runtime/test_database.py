import asyncio
import ctypes
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import data_folders
import migrated_postgres
import pytest
from builders import a_storage
from migrated_postgres import DATABASE
from waiting import PATIENCE_SECONDS

from cli.local.ports import free_port
from cli.local.postgres import EmbeddedPostgres
from domain.errors import StorageUnavailable
from runtime.database import Database
from storage.unit_of_work import Storage


@pytest.fixture
def own_postgres(migrated: Path) -> Iterator[EmbeddedPostgres]:
    """A server that a test may freeze and kill."""
    data = data_folders.new_folder() / "postgres"
    migrated_postgres.copy(migrated, data)
    with EmbeddedPostgres(data, free_port(), durable=False) as server:
        yield server


def processes_of(server: EmbeddedPostgres) -> list[int]:
    assert server.child is not None
    children = Path(f"/proc/{server.child.pid}/task/{server.child.pid}/children").read_text().split()
    return [server.child.pid, *map(int, children)]


async def answers(storage: Storage) -> bool:
    try:
        await storage.schema_problem()
    except StorageUnavailable:
        return False
    return True


async def eventually(storage: Storage) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await answers(storage):
            await asyncio.sleep(0.05)


async def test_a_frozen_server_ends_waiting_statements_within_two_seconds(own_postgres: EmbeddedPostgres):
    async with Database(own_postgres.dsn(DATABASE), pool_size=4, application_name="t").running() as database:
        storage = a_storage(database)
        await eventually(storage)
        frozen = processes_of(own_postgres)
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert await asyncio.gather(*(answers(storage) for _ in range(12))) == [False] * 12
            assert time.monotonic() - began < 12  # two are promised; a statement that waits for a slot waits 15
            assert not database.usage.available
            assert not await asyncio.wait_for(answers(storage), 12)  # the breaker is open: no call reaches the server
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        await eventually(storage)


async def test_a_killed_server_is_found_again(own_postgres: EmbeddedPostgres):
    async with Database(own_postgres.dsn(DATABASE), pool_size=4, application_name="t").running() as database:
        storage = a_storage(database)
        await eventually(storage)
        assert own_postgres.child is not None
        own_postgres.child.stop(with_signal=signal.SIGKILL, grace_seconds=30)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await answers(storage):
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(own_postgres.start)
        await eventually(storage)


async def test_a_process_begins_without_its_server():
    dsn = f"postgresql://postgres@127.0.0.1:{free_port()}/proposals"
    began = time.monotonic()
    async with Database(dsn, pool_size=4, application_name="t").running() as database:
        assert time.monotonic() - began < 10
        assert not database.usage.available
        with pytest.raises(StorageUnavailable):
            async with database.connection():
                pytest.fail("there is no server")


async def test_a_full_pool_is_a_queue(own_postgres: EmbeddedPostgres):
    async with Database(own_postgres.dsn(DATABASE), pool_size=2, application_name="t").running() as database:
        storage = a_storage(database)
        assert all(await asyncio.gather(*(answers(storage) for _ in range(50))))


async def test_an_address_with_several_hosts_leads_past_those_that_are_silent_or_refuse(own_postgres: EmbeddedPostgres):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        hosts = [silent.getsockname()[1], free_port(), own_postgres.port]
        addresses = ",".join(f"127.0.0.1:{port}" for port in hosts)
        dsn = f"postgresql://postgres@{addresses}/proposals?target_session_attrs=read-write"
        async with Database(dsn, pool_size=2, application_name="t").running() as database:
            await eventually(a_storage(database))


async def test_an_answer_that_is_late_because_this_process_was_late_is_no_outage(own_postgres: EmbeddedPostgres):
    keep_the_interpreter = ctypes.PyDLL(None).usleep  # as computing in C does: its lock is kept meanwhile
    async with Database(own_postgres.dsn(DATABASE), pool_size=2, application_name="t").running() as database:
        async with database.watching("t") as connection:
            for _ in range(3):
                keeping = asyncio.create_task(asyncio.to_thread(keep_the_interpreter, 2_000_000))
                assert await connection.fetch("SELECT 1 FROM pg_sleep(0.2)") == [(1,)]
                await keeping
        await eventually(a_storage(database))
        assert database.usage.outages == 0


async def test_statements_that_time_out_one_after_another_are_remembered(own_postgres: EmbeddedPostgres, monkeypatch):
    monkeypatch.setattr("runtime.database.TIMEOUTS_SECONDS", PATIENCE_SECONDS)
    async with Database(own_postgres.dsn(DATABASE), pool_size=2, application_name="t").running() as database:
        for _ in range(3):
            assert database.problem is None
            with pytest.raises(StorageUnavailable):
                async with database.connection() as connection:
                    await connection.execute("SET statement_timeout = '50ms'")
                    await connection.execute("SELECT pg_sleep(60)")
        assert "57014" in (database.problem or "")
        monkeypatch.setattr("runtime.database.TIMEOUTS_SECONDS", 5)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while database.problem is not None:
                await asyncio.sleep(0.1)

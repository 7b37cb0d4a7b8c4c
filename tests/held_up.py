"""Points of a service that are made to last: a frozen process, a statement that waits for a locked table."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from waiting import PATIENCE_SECONDS

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def somebody_waits_for(connection: psycopg.Connection, table: str, *, least: int = 1) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (row := connection.execute(WAITING, [table]).fetchone()) is None or row[0] < least:
            await asyncio.sleep(0.01)

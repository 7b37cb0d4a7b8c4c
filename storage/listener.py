"""One LISTEN connection a process, outside the pool: it wakes who waits for an operation to end.

The same connection is the net under lost notifications: every few seconds one statement asks for all operations that
are waited for. Its answer also tells that the server lives: one that is frozen does not say so.
"""

import asyncio
import os
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

import structlog
from psycopg import AsyncConnection, Error
from psycopg.sql import SQL, Identifier

from storage.operations import TERMINAL_CHANNEL

RECONNECT_SECONDS: Final = 1.0
NET_SECONDS: Final = 5.0
STATEMENT_LIMIT_SECONDS: Final = 2.0

SELECT_ENDED: Final = """
SELECT operation_id FROM operations
WHERE operation_id = ANY(%(operation_ids)s) AND status IN ('SUCCEEDED', 'FAILED')
"""

log = structlog.get_logger(__name__)


class TerminalListener:
    """Subscribe first, then read, then wait: a notification between the read and the wait is not missed."""

    def __init__(self, dsn: str, *, net_seconds: float = NET_SECONDS) -> None:
        self._dsn = dsn
        self._net_seconds = net_seconds
        self._subscribers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.listening = asyncio.Event()

    @property
    def subscriptions(self) -> int:
        """How many waits are under way."""
        return sum(map(len, self._subscribers.values()))

    @contextmanager
    def subscribed(self, operation_id: str) -> Iterator[asyncio.Event]:
        """An event that is set soon after the operation's end, also when its notification was lost."""
        event = asyncio.Event()
        self._subscribers[operation_id].add(event)
        try:
            yield event
        finally:
            self._subscribers[operation_id].discard(event)
            if not self._subscribers[operation_id]:
                del self._subscribers[operation_id]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["TerminalListener"]:
        task = asyncio.create_task(self._listen(), name="operation-listener")
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_until_lost()
            except (Error, OSError) as failure:
                log.debug("listener_lost", reason=type(failure).__name__)
            self.listening.clear()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen_until_lost(self) -> None:
        async with await AsyncConnection.connect(
            self._dsn, autocommit=True, application_name="proposals-listener", connect_timeout=2
        ) as connection:
            with _severed_if_silent(connection):
                await connection.execute(SQL("LISTEN {}").format(Identifier(TERMINAL_CHANNEL)))
            self.listening.set()
            while True:
                with _severed_if_silent(connection):
                    await self._wake_ended(connection)  # at first: whatever ended while nobody listened
                async for notification in connection.notifies(timeout=self._net_seconds):
                    self._wake(notification.payload)

    async def _wake_ended(self, connection: AsyncConnection) -> None:
        cursor = await connection.execute(SELECT_ENDED, {"operation_ids": list(self._subscribers)})
        for (operation_id,) in await cursor.fetchall():
            self._wake(operation_id)

    def _wake(self, operation_id: str) -> None:
        for event in self._subscribers.get(operation_id, ()):
            event.set()


@contextmanager
def _severed_if_silent(connection: AsyncConnection) -> Iterator[None]:
    """Shuts the socket when the server does not answer the block's statement in time, which ends it with an error.

    Cancelling the statement instead would wait for the server to agree.
    """
    limit = asyncio.get_running_loop().call_later(STATEMENT_LIMIT_SECONDS, _sever, connection)
    try:
        yield
    finally:
        limit.cancel()


def _sever(connection: AsyncConnection) -> None:
    with suppress(OSError, Error):
        duplicate = socket.socket(fileno=os.dup(connection.fileno()))
        with duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)

"""One LISTEN connection a process, outside the pool: it wakes who waits for an operation to end."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

import structlog
from psycopg import AsyncConnection, Error
from psycopg.sql import SQL, Identifier

from storage.operations import TERMINAL_CHANNEL

RECONNECT_SECONDS: Final = 1.0
IDLE_CHECK_SECONDS: Final = 30.0  # a dead connection that says nothing is found by a statement, not by waiting

log = structlog.get_logger(__name__)


class TerminalListener:
    """Subscribe first, then read, then wait: a notification between the read and the wait is not missed."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._subscribers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.listening = asyncio.Event()

    @contextmanager
    def subscribed(self, operation_id: str) -> Iterator[asyncio.Event]:
        """An event that is set when the operation ends; a lost connection may swallow it, so poll slowly as well."""
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
            await connection.execute(SQL("LISTEN {}").format(Identifier(TERMINAL_CHANNEL)))
            self.listening.set()
            self._wake_all()  # whatever ended while nobody listened
            while True:
                async for notification in connection.notifies(timeout=IDLE_CHECK_SECONDS):
                    for event in self._subscribers.get(notification.payload, ()):
                        event.set()
                await connection.execute("SELECT 1")

    def _wake_all(self) -> None:
        for events in self._subscribers.values():
            for event in events:
                event.set()

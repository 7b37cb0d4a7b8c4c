"""Wake the waits for an operation: one connection per process LISTENs for the end of operations.

A notification can be lost, for instance while the connection is replaced. So every few seconds one statement on the
same connection asks which of the awaited operations have ended. If the server does not answer it, the loop connects
again.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Final, LiteralString, Never, Protocol

from storage.operations import TERMINAL_CHANNEL

NET_SECONDS: Final = 5.0

LISTEN: Final = f"LISTEN {TERMINAL_CHANNEL}"
SELECT_ENDED: Final = """
SELECT operation_id FROM operations
WHERE operation_id = ANY(%(operation_ids)s) AND status IN ('SUCCEEDED', 'FAILED')
"""


class WatchConnection(Protocol):
    """`runtime.watch_connection.WatchConnection`: raises TimeoutError when the server is silent."""

    async def fetch(
        self, statement: LiteralString, parameters: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]: ...

    def notifications(self, *, seconds: float) -> AsyncIterator[str]: ...


class TerminalListener:
    """Subscribe first, then read, then wait: a notification between the read and the wait is not missed."""

    def __init__(self, *, net_seconds: float = NET_SECONDS) -> None:
        self._net_seconds = net_seconds
        self._subscribers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.listening = asyncio.Event()
        self.is_released = False

    @property
    def subscriptions(self) -> int:
        """The number of waits under way."""
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

    def release(self) -> None:
        """End all waits now and let none begin: the process stops, and its clients get their responses first."""
        self.is_released = True
        for operation_id in self._subscribers:
            self._wake(operation_id)

    async def listen(self, connect: Callable[[], AbstractAsyncContextManager[WatchConnection]]) -> Never:
        """Wake waits until the connection is lost, which raises: the loop around this begins again."""
        try:
            async with connect() as connection:
                await connection.fetch(LISTEN)
                self.listening.set()
                while True:
                    # At first for what ended while nothing listened, then as the net.
                    for (operation_id,) in await connection.fetch(
                        SELECT_ENDED, {"operation_ids": list(self._subscribers)}
                    ):
                        self._wake(operation_id)
                    async for operation_id in connection.notifications(seconds=self._net_seconds):
                        self._wake(operation_id)
        finally:
            self.listening.clear()

    def _wake(self, operation_id: str) -> None:
        for event in self._subscribers.get(operation_id, ()):
            event.set()

"""Waiting out an operation for a client that asked to have it done, not promised."""

import asyncio
from collections.abc import Callable
from typing import Final

from domain.operation import Operation
from services.lookup import Lookup
from services.waiting import Waiting

SLICE_SECONDS: Final = 1.0  # how long a wait goes on before it notices that Temporal is away


class SynchronousWait:
    def __init__(
        self, lookup: Lookup, waiting: Waiting, is_temporal_away: Callable[[], bool], *, max_seconds: float
    ) -> None:
        self._lookup = lookup
        self._waiting = waiting
        self._is_temporal_away = is_temporal_away
        self._max_seconds = max_seconds

    async def ended(self, operation: Operation, *, seconds: float | None) -> Operation:
        """The operation when it has ended, the time is up, or nobody can be reached who would do it.

        `seconds` is what the client prefers, None for as long as this service waits.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(self._max_seconds if seconds is None else seconds, self._max_seconds)

        async def read() -> Operation:
            return await self._lookup.operation(operation.operation_id, client=operation.client)

        while not operation.status.is_terminal and not self._is_temporal_away():
            remaining = deadline - loop.time()
            if remaining <= 0:
                break
            operation = await self._waiting.until_terminal(read, seconds=min(remaining, SLICE_SECONDS))
        return operation

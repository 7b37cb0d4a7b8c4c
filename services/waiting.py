"""Waiting for an operation's end, without holding a connection."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from domain.operation import Operation
from services.lookup import LookupService
from services.race import race
from services.temporal_workflows import ANSWER_SECONDS
from storage.listener import TerminalListener

ReadOperation = Callable[[], Awaitable[Operation]]


class WaitService:
    """Subscribes, then reads, then waits."""

    def __init__(self, listener: TerminalListener) -> None:
        self._listener = listener

    async def until_terminal(
        self, read: ReadOperation, *, seconds: float, operation_id: str | None = None
    ) -> Operation:
        """The operation as `read` returns it, once it has ended, the time is up, or the process stops.

        Pass `operation_id` if you know it; it saves one read.
        """
        if seconds <= 0 or self._listener.is_released:
            return await read()
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            if operation_id is None:
                operation = await read()
                if operation.is_terminal:
                    return operation
                operation_id = operation.operation_id
            with self._listener.subscribed(operation_id) as ended:
                operation = await read()
                if operation.is_terminal:
                    return operation
                if operation.operation_id == operation_id:
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(deadline):
                            await ended.wait()
                    operation = await read()
            # A correlation id may stand for a newer operation by now: then that one is waited for.
            is_over = asyncio.get_running_loop().time() >= deadline or self._listener.is_released
            if operation.is_terminal or is_over:
                return operation
            operation_id = operation.operation_id


class SynchronousWaitService:
    """Waiting out an operation for a client that asked to have it done, not promised.

    `temporal_unavailable` is set while Temporal, which would do what is waited for, does not answer.
    """

    def __init__(
        self, lookup: LookupService, waiting: WaitService, temporal_unavailable: asyncio.Event, *, max_seconds: float
    ) -> None:
        self._lookup = lookup
        self._waiting = waiting
        self._temporal_unavailable = temporal_unavailable
        self._max_seconds = max_seconds

    async def ended(self, operation: Operation, *, seconds: float | None) -> Operation:
        """The operation when it has ended, the time is up, or Temporal has not answered for two seconds.

        `seconds` is what the client prefers, None for as long as this service waits.
        """
        limit = self._max_seconds if seconds is None else min(seconds, self._max_seconds)
        if operation.is_terminal or limit <= 0 or self._temporal_unavailable.is_set():
            return operation

        async def read() -> Operation:
            return await self._lookup.operation(operation.operation_id, client=operation.client)

        waiting = self._waiting.until_terminal(read, seconds=limit, operation_id=operation.operation_id)
        return await race(waiting, self._temporal_stays_away()) or operation

    async def _temporal_stays_away(self) -> None:
        # A start that fails at once may be repeated by then, as when a namespace is being set up.
        loop = asyncio.get_running_loop()
        due = loop.time() + ANSWER_SECONDS
        while True:
            await self._temporal_unavailable.wait()
            await asyncio.sleep(due - loop.time())  # not at all when it is past
            if self._temporal_unavailable.is_set():
                return

"""Waiting for an operation's end without holding a connection: subscribe, then read, then wait."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from domain.operation import Operation
from storage.listener import TerminalListener

ReadOperation = Callable[[], Awaitable[Operation]]


class WaitService:
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
                if operation.status.is_terminal:
                    return operation
                operation_id = operation.operation_id
            with self._listener.subscribed(operation_id) as ended:
                operation = await read()
                if operation.status.is_terminal:
                    return operation
                if operation.operation_id == operation_id:
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(deadline):
                            await ended.wait()
                    operation = await read()
            # A correlation id may stand for a newer operation by now: then that one is waited for.
            is_over = asyncio.get_running_loop().time() >= deadline or self._listener.is_released
            if operation.status.is_terminal or is_over:
                return operation
            operation_id = operation.operation_id

"""Waiting for an operation's end without holding a connection: subscribe, then read, then wait."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from domain.operation import Operation
from storage.listener import TerminalListener

SLOW_POLL_SECONDS: Final = 5.0  # the net under a lost notification

ReadOperation = Callable[[], Awaitable[Operation]]


class Waiting:
    def __init__(self, listener: TerminalListener) -> None:
        self._listener = listener

    async def until_terminal(self, read: ReadOperation, *, seconds: float) -> Operation:
        """The operation as `read` gives it when it has ended or the time is up, whichever comes first."""
        operation = await read()
        deadline = asyncio.get_running_loop().time() + seconds
        while not operation.status.is_terminal:
            with self._listener.subscribed(operation.operation_id) as ended:
                operation = await read()
                remaining = deadline - asyncio.get_running_loop().time()
                if operation.status.is_terminal or remaining <= 0:
                    break
                try:
                    await asyncio.wait_for(ended.wait(), min(remaining, SLOW_POLL_SECONDS))
                except TimeoutError:
                    continue
        return operation

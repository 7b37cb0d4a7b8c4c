"""Connections that watch a server, and what to do when the server stops in the middle of an answer.

A process of PostgreSQL that is frozen (SIGSTOP, a hung disk, a paused virtual machine) keeps its connections: the
kernel acknowledges what is sent, nothing comes back, and no time-out of the server fires. libpq has no time-out for
a statement, and cancelling one asks the same server to agree to it. What is left is to *sever* the connection: to shut
down its socket under libpq. The read that waits on it then ends at once, as if the server had hung up.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final, LiteralString

from psycopg import AsyncConnection, Error

ANSWER_SECONDS: Final = 1.0
LOOKS: Final = 10


def sever(connection: AsyncConnection) -> None:
    """Shut down the socket of a connection, so that what waits for its server gets an error now."""
    with suppress(OSError, Error):
        duplicate = socket.socket(fileno=os.dup(connection.fileno()))
        with duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)


class WatchConnection:
    """A connection outside the pool; a statement without a prompt answer means that the server has stopped."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def fetch(
        self, statement: LiteralString, parameters: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """The rows. Raises TimeoutError, with the connection severed, when there is no answer in time."""
        answer = asyncio.ensure_future(self._rows(statement, parameters))
        try:
            # A single wait would be over before the answer is read, where our own event loop is late because a thread
            # keeps the interpreter's lock. A look counts as one, however late it is.
            for _ in range(LOOKS):
                if (await asyncio.wait({answer}, timeout=ANSWER_SECONDS / LOOKS))[0]:
                    break
        finally:
            # Also when this task is cancelled: psycopg would ask the server to cancel the statement, and wait for that.
            is_late = not answer.done()
            if is_late:
                sever(self._connection)
                with suppress(Error):
                    await answer
        if is_late:
            raise TimeoutError
        return answer.result()

    async def notifications(self, *, seconds: float) -> AsyncIterator[str]:
        """Payloads of the channels that are listened to, for so long; those that came during a `fetch` are first."""
        async for notification in self._connection.notifies(timeout=seconds):
            yield notification.payload

    async def _rows(self, statement: LiteralString, parameters: Mapping[str, Any] | None) -> list[tuple[Any, ...]]:
        cursor = await self._connection.execute(statement, parameters)
        return await cursor.fetchall() if cursor.description is not None else []

"""Running the engine off the event loop: small requests in a thread, large ones in processes, with a heartbeat."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from temporalio import activity

from services.process_pool import ProcessPool
from storage.documents import Document, DocumentKind

HEARTBEAT_SECONDS: Final = 1.0
INLINE_CHARACTERS: Final = 16_000  # half a millisecond of work; a thread costs as much, and the lock besides

Result = TypeVar("Result")


class Computing:
    def __init__(self, pool: ProcessPool) -> None:
        self._pool = pool

    async def run(self, function: Callable[..., Result], *args: Any, is_large: bool, **kwargs: Any) -> Result:
        """The function's result, computed on its first argument's text.

        `is_large` computes it in the pool and heartbeats meanwhile; a short text is not worth a thread.
        """
        if not is_large:
            if len(args[0]) <= INLINE_CHARACTERS:
                return function(*args, **kwargs)
            return await asyncio.to_thread(function, *args, **kwargs)
        beating = asyncio.create_task(_heartbeats())
        try:
            return await self._pool.run(function, *args, **kwargs)
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating

    async def document(self, kind: DocumentKind, text: str) -> Document:
        """The text hashed and compressed, ready to be stored."""
        if len(text) <= INLINE_CHARACTERS:
            return Document.of(kind, text)
        return await asyncio.to_thread(Document.of, kind, text)


async def _heartbeats() -> None:
    """Beat with the details of the last attempt: the boundary counts failures in them."""
    details = activity.info().heartbeat_details
    while True:
        activity.heartbeat(*details)
        await asyncio.sleep(HEARTBEAT_SECONDS)

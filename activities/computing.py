"""Running the engine off the event loop: small requests in a thread, large ones in processes, with a heartbeat."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from temporalio import activity

from services.process_pool import ProcessPool
from storage.documents import Document, DocumentKind

HEARTBEAT_SECONDS: Final = 1.0
INLINE_CHARACTERS: Final = 16_000  # half a millisecond of work; a thread costs as much, and the lock besides

Self = TypeVar("Self")
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Computing:
    def __init__(self, pool: ProcessPool) -> None:
        self._pool = pool

    async def run(self, function: Callable[..., Result], *args: Any, is_large: bool, **kwargs: Any) -> Result:
        """The function's result, computed on its first argument's text.

        `is_large` computes it in the pool, as does any try but the first: what took too long there can be ended. A
        short text is not worth a thread. Raises OperationTooExpensive.
        """
        if is_large or _is_tried_again():
            return await self._pool.run(function, *args, **kwargs)
        if len(args[0]) <= INLINE_CHARACTERS:
            return function(*args, **kwargs)
        return await asyncio.to_thread(function, *args, **kwargs)

    async def document(self, kind: DocumentKind, text: str) -> Document:
        """The text hashed and compressed, ready to be stored."""
        if len(text) <= INLINE_CHARACTERS:
            return Document.of(kind, text)
        return await asyncio.to_thread(Document.of, kind, text)


def heartbeating(
    step: Callable[Concatenate[Self, Parameters], Awaitable[Result]],
) -> Callable[Concatenate[Self, Parameters], Coroutine[Any, Any, Result]]:
    """The step with a heartbeat for as long as it takes; a local activity has none."""

    @functools.wraps(step)
    async def beaten(self: Self, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if activity.info().is_local:
            return await step(self, *args, **kwargs)
        beating = asyncio.create_task(_heartbeats())
        try:
            return await step(self, *args, **kwargs)
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating

    return beaten


def _is_tried_again() -> bool:
    """Steps of small requests are tried locally first (workflows/step_runner.py)."""
    info = activity.info()
    return info.attempt > 1 or not info.is_local


async def _heartbeats() -> None:
    """Beat with the details of the last attempt: the boundary counts failures in them."""
    details = activity.info().heartbeat_details
    while True:
        activity.heartbeat(*details)
        await asyncio.sleep(HEARTBEAT_SECONDS)

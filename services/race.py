"""Two coroutines at once, of which the first to finish ends the other."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def race(work: Coroutine[Any, Any, Result], stop: Coroutine[Any, Any, object]) -> Result | None:
    """Run `work` until it finishes or `stop` does: its result, or None. The other one is cancelled and awaited."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop)
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)

"""Work that is not worth going on with once something else has happened."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def unless_interrupted(
    work: Coroutine[Any, Any, Result], interruption: Coroutine[Any, Any, object]
) -> Result | None:
    """The work's result; None when the interruption ended first. Whichever is left is cancelled and waited for."""
    working, interrupting = asyncio.create_task(work), asyncio.create_task(interruption)
    try:
        await asyncio.wait({working, interrupting}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        interrupting.cancel()
        await asyncio.gather(working, interrupting, return_exceptions=True)

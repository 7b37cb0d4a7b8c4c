"""Waiting for what happens instead of for how long it usually takes."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Poll until the condition holds; TimeoutError fails the test when time is up."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)

"""Waiting for what happens instead of for how long it usually takes."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 300.0  # for what takes a second on a quiet machine: only a fault lasts as long
T = TypeVar("T")


async def until(condition: Callable[[], T], *, seconds: float = PATIENCE_SECONDS) -> T:
    """Poll until the condition holds and return what it found; TimeoutError fails the test when time is up."""
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.05)
    return found

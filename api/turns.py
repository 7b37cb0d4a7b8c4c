"""Requests with one key take turns: a thousand of them at once cost their sender time, and not the others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

AT_ONCE: Final = 2  # of one key and sender; all but the first are answered what the first made


class Turns:
    """Who is served now, by what they name; of each name a few at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._slots: dict[tuple[str, str], asyncio.Semaphore] = {}
        self._users: Counter[tuple[str, str]] = Counter()

    @asynccontextmanager
    async def of(self, sender: str, key: str) -> AsyncIterator[None]:
        """Wait for the turn of this sender's key, and hold it."""
        name = (sender, key)
        slots = self._slots.setdefault(name, asyncio.Semaphore(AT_ONCE))
        self._users[name] += 1
        try:
            async with slots:
                yield
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name], self._slots[name]

    def __len__(self) -> int:
        """How many keys are being served or waited for."""
        return len(self._slots)

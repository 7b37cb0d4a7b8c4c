"""The limit on open operations: beyond it new ones are refused, while replays are still answered."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from domain.errors import TooManyOpenOperations
from storage.unit_of_work import Transaction

COUNT_EVERY_SECONDS: Final = 1.0


class OpenOperationLimit:
    """Counts open operations in the database once a second, and adds those that this process accepts in between.

    Several processes together can exceed the limit by what they accept within that second (docs/adr/0013-who-may.md).
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counted = 0
        self._count_at = 0.0
        self._is_counting = False
        self._since = 0  # committed here since the count began
        self._under_way = 0  # accepted here, not committed yet: no count sees them

    @contextmanager
    def place(self) -> Iterator["Place"]:
        """A place for one operation, if one is taken; the block holds the whole transaction, its commit included."""
        place = Place(self)
        try:
            yield place
            self._since += place.is_taken
        finally:
            self._under_way -= place.is_taken

    async def take(self, transaction: Transaction) -> None:
        """Raises TooManyOpenOperations when there is no room for one more."""
        if not self._is_counting and asyncio.get_running_loop().time() >= self._count_at:
            await self._count(transaction)
        if self._counted + self._since + self._under_way >= self._limit:
            raise TooManyOpenOperations
        self._under_way += 1

    async def _count(self, transaction: Transaction) -> None:
        """Only one runs at a time; meanwhile other requests use the last count."""
        self._is_counting = True
        try:
            before = self._since
            self._counted = await transaction.operations.count_open(at_most=self._limit)
            self._since -= before
        finally:
            self._is_counting = False
            self._count_at = asyncio.get_running_loop().time() + COUNT_EVERY_SECONDS


class Place:
    """Room for one operation: taken once it is known that a new one is to be made."""

    def __init__(self, limit: OpenOperationLimit) -> None:
        self._limit = limit
        self.is_taken = False

    async def take(self, transaction: Transaction) -> None:
        """Raises TooManyOpenOperations."""
        await self._limit.take(transaction)
        self.is_taken = True

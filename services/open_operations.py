"""The limit on open operations: beyond it new ones are refused, while replays are still answered."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from domain.errors import TooManyOpenOperations
from storage.operations import OperationReader

COUNT_EVERY_SECONDS: Final = 1.0


class OpenOperationLimit:
    """Counts open operations in the database once a second, and adds those that this process accepts in between.

    Several processes together can exceed the limit by what they accept within that second (docs/adr/0013-who-may.md).
    """

    def __init__(self, limit: int, *, batches: int = 50) -> None:
        self._limit = limit
        self._batches = batches
        self._counted = 0
        self._count_at = 0.0
        self._is_counting = False
        self._since = 0  # committed here since the count began
        self._under_way = 0  # accepted here, not committed yet: no count sees them

    @contextmanager
    def place(self, *, is_batch: bool = False) -> Iterator["Place"]:
        """A place for one operation, if one is taken; the block holds all of its transaction, the commit included."""
        place = Place(self, is_batch=is_batch)
        try:
            yield place
            self._since += place.is_taken
        finally:
            place.give_back()

    async def take(self, operations: OperationReader, *, is_batch: bool) -> bool:
        """Whether there is room for one more, which it takes then. Batches are few, and counted each time."""
        if is_batch and await operations.count_open(at_most=self._batches, only_batches=True) >= self._batches:
            return False
        if not self._is_counting and asyncio.get_running_loop().time() >= self._count_at:
            await self._count(operations)
        if self._counted + self._since + self._under_way >= self._limit:
            return False
        self._under_way += 1
        return True

    def give_back(self) -> None:
        self._under_way -= 1

    async def _count(self, operations: OperationReader) -> None:
        """Only one runs at a time; meanwhile other requests use the last count."""
        self._is_counting = True
        try:
            before = self._since
            self._counted = await operations.count_open(at_most=self._limit)
            self._since -= before
        finally:
            self._is_counting = False
            self._count_at = asyncio.get_running_loop().time() + COUNT_EVERY_SECONDS


class Place:
    """Room for one operation: taken when one is made, given back when none was."""

    def __init__(self, limit: OpenOperationLimit, *, is_batch: bool) -> None:
        self._limit = limit
        self._is_batch = is_batch
        self.is_taken = False

    async def take(self, operations: OperationReader) -> None:
        """Raises TooManyOpenOperations."""
        if not await self.take_if_free(operations):
            raise TooManyOpenOperations

    async def take_if_free(self, operations: OperationReader) -> bool:
        """Whether it has taken a place."""
        self.is_taken = await self._limit.take(operations, is_batch=self._is_batch)
        return self.is_taken

    def give_back(self) -> None:
        if self.is_taken:
            self._limit.give_back()
            self.is_taken = False

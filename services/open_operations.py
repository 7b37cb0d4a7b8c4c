"""The limits on open operations: beyond them new ones are refused, while replays are still answered."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from domain.errors import TooManyOpenOperations
from storage.operations import OperationReader, Operations

COUNT_EVERY_SECONDS: Final = 1.0


class Refusal(StrEnum):
    """The limit that was reached."""

    ALL_CLIENTS = "all_clients"
    ONE_CLIENT = "one_client"


class OpenOperationLimit:
    """Counts open operations in the database once a second, and adds those that this process accepts in between.

    Several processes together can exceed the limit by what they accept within that second (docs/adr/0013-who-may.md).
    The limit of one client, `per_client`, is exact: each submission counts, one after the other. 0 is no such limit
    (docs/adr/0037-one-clients-limit-is-exact.md). `on_refused` is for metrics.
    """

    def __init__(
        self,
        limit: int,
        *,
        per_client: int,
        batches: int,
        on_refused: Callable[[Refusal], None] = lambda _: None,
    ) -> None:
        self._limit = limit
        self._batches = batches
        self.per_client = per_client
        self.on_refused = on_refused
        self._counted = 0
        self._count_at = 0.0
        self._is_counting = False
        self._since = 0  # committed here since the count began
        self._under_way = 0  # accepted here, not committed yet: no count sees them

    @contextmanager
    def slot(self, client: str, *, is_batch: bool) -> Iterator["Slot"]:
        """A slot for one operation, if one is taken; the block holds all of its transaction, the commit included."""
        slot = Slot(self, client, is_batch=is_batch)
        try:
            yield slot
            self._since += slot.is_taken
        finally:
            slot.give_back()

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


class Slot:
    """Room for one operation: taken when one is made, given back when none was."""

    def __init__(self, limit: OpenOperationLimit, client: str, *, is_batch: bool) -> None:
        self._limit = limit
        self._client = client
        self._is_batch = is_batch
        self.is_taken = False

    async def take(self, operations: Operations) -> None:
        """Take it in the transaction that adds the operation, as its last lock. Raises TooManyOpenOperations."""
        if not await self.take_if_free(operations):
            self._refuse(Refusal.ALL_CLIENTS)
        most = self._limit.per_client
        if most and await operations.count_open_of(self._client, at_most=most) >= most:
            self._refuse(Refusal.ONE_CLIENT)

    def _refuse(self, refusal: Refusal) -> None:
        self._limit.on_refused(refusal)
        raise TooManyOpenOperations

    async def take_if_free(self, operations: OperationReader) -> bool:
        """Whether it has taken a slot among those of all clients."""
        self.is_taken = await self._limit.take(operations, is_batch=self._is_batch)
        return self.is_taken

    def give_back(self) -> None:
        if self.is_taken:
            self._limit.give_back()
            self.is_taken = False

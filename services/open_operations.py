"""How many operations may be open at a time: beyond that, new ones are refused while replays are still answered."""

import asyncio
from typing import Final

from domain.errors import TooManyOpenOperations
from storage.unit_of_work import Transaction

COUNT_EVERY_SECONDS: Final = 1.0


class OpenOperationLimit:
    """Counts in the database once a second, and what this process lets in in between.

    Several processes together may let in what each of them gets in a second beyond the limit
    (docs/adr/0013-who-may.md).
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = 0
        self._count_at = 0.0

    async def take_place(self, transaction: Transaction) -> None:
        """Raises TooManyOpenOperations when there is no room for one more."""
        now = asyncio.get_running_loop().time()
        if now >= self._count_at:
            self._count_at = now + COUNT_EVERY_SECONDS  # others go by the last count meanwhile
            self._open = await transaction.operations.count_open(at_most=self._limit)
        if self._open >= self._limit:
            raise TooManyOpenOperations
        self._open += 1

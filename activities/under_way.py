"""Since when this worker has been at work on which operations, and the mark RUNNING for those that take a while.

Most operations end within milliseconds. Their commit says when they were begun, so that nothing else is written for
them. A loop of the worker marks the others, all that are due in one statement.
"""

import time
from collections import OrderedDict
from datetime import timedelta
from typing import Final

from storage.unit_of_work import Storage

MARKED_AFTER: Final = timedelta(milliseconds=250)
ROUND_SECONDS: Final = 0.1
MAX_OPERATIONS: Final = 10_000  # far more than a worker has at once: what ends elsewhere is dropped in the end


class UnderWay:
    """Times are measured, never read from a clock: PostgreSQL's clock is the one that they are subtracted from."""

    def __init__(self) -> None:
        self._begun: OrderedDict[str, float] = OrderedDict()
        self._due: set[str] = set()

    def begin(self, operation_id: str) -> None:
        """A step is at work on the operation; the first counts."""
        if operation_id in self._begun:
            return
        self._begun[operation_id] = time.monotonic()
        self._due.add(operation_id)
        if len(self._begun) > MAX_OPERATIONS:
            self._due.discard(self._begun.popitem(last=False)[0])

    def elapsed(self, operation_id: str) -> timedelta:
        """Since its first step began here; nothing for one that did not."""
        begun = self._begun.get(operation_id)
        return timedelta() if begun is None else timedelta(seconds=time.monotonic() - begun)

    def forget(self, operation_id: str) -> None:
        self._begun.pop(operation_id, None)
        self._due.discard(operation_id)

    async def mark_running(self, storage: Storage) -> float:
        """Mark what has been begun for a while and has not ended; the seconds until the next look."""
        elapsed = {operation_id: self.elapsed(operation_id) for operation_id in self._due}
        due = {operation_id: since for operation_id, since in elapsed.items() if since >= MARKED_AFTER}
        if due:
            async with storage.autocommit() as transaction:
                self._due.difference_update(await transaction.work.mark_running(due))
        return ROUND_SECONDS

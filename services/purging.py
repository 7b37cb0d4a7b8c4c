"""Removing what has been kept for long enough, without anybody waiting for it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import structlog

from storage.retention import BatchUndone, Retention
from storage.unit_of_work import Storage

BATCH: Final = 50
REST: Final = 1.0  # times what a batch took: at least half of the time belongs to the others
TOMBSTONES_KEPT: Final = timedelta(days=90)

log = structlog.get_logger(__name__)

Kind = Literal["operations", "keys", "review keys", "simulations", "tombstones", "documents"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Periods:
    """How long ended operations are kept, and keys after the end or the use that they stand for."""

    operations: timedelta
    keys: timedelta

    @property
    def tombstones(self) -> timedelta:
        """After the purge; a key that is still kept says through the tombstone what it made."""
        return max(TOMBSTONES_KEPT, self.keys - self.operations + timedelta(days=1))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Removal:
    kind: Kind
    remove: Callable[[Retention, int], Awaitable[int]]


class Purging:
    """Safe when several run at once and when one dies anywhere: each batch is one transaction.

    Raises StorageUnavailable in between; what was removed by then is removed.
    """

    def __init__(self, storage: Storage, periods: Periods) -> None:
        self._storage = storage
        self._periods = periods

    async def run(self, *, seconds: float, on_batch: Callable[[Kind, int], None], now: datetime | None = None) -> bool:
        """Remove for about so long, telling of each batch; whether nothing more was due."""
        deadline = asyncio.get_running_loop().time() + seconds
        for removal in self._removals(now or datetime.now(UTC)):
            limit = BATCH
            while limit:
                began = asyncio.get_running_loop().time()
                if began > deadline:
                    return False
                removed = await self._removed(removal, limit)
                on_batch(removal.kind, removed or 0)
                if removed is None:
                    limit //= 2  # down to none: what nobody can remove in time is left to the next run
                elif removed < limit:
                    break
                await asyncio.sleep((asyncio.get_running_loop().time() - began) * REST)
        return True

    async def _removed(self, removal: _Removal, limit: int) -> int | None:
        """How many rows went; None when the batch was undone."""
        try:
            async with self._storage.purging() as retention:
                return await removal.remove(retention, limit)
        except BatchUndone:
            log.info("purge_batch_undone", kind=removal.kind, limit=limit)
            return None

    def _removals(self, now: datetime) -> Iterator[_Removal]:
        """In this order: what a purged operation or simulation leaves behind is removed by the same run."""
        ended, used = now - self._periods.operations, now - self._periods.keys
        yield _Removal(kind="operations", remove=lambda rows, limit: rows.purge_operations(before=ended, limit=limit))
        yield _Removal(kind="keys", remove=lambda rows, limit: rows.purge_keys(before=used, limit=limit))
        yield _Removal(kind="review keys", remove=lambda rows, limit: rows.purge_review_keys(before=used, limit=limit))
        yield _Removal(kind="simulations", remove=lambda rows, limit: rows.purge_simulations(before=used, limit=limit))
        yield _Removal(
            kind="tombstones",
            remove=lambda rows, limit: rows.purge_tombstones(before=now - self._periods.tombstones, limit=limit),
        )
        yield _Removal(kind="documents", remove=lambda rows, limit: rows.purge_documents(limit=limit))

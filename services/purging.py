"""Remove what has been kept for long enough, in small batches that block no request."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from storage.retention import AGED, BatchUndone, Kind
from storage.unit_of_work import Storage

BATCH: Final = 50
REST: Final = 1.0  # times what a batch took: at least half of the time belongs to the others
TOMBSTONES_KEPT: Final = timedelta(days=90)
RECENT: Final = timedelta(hours=1)  # nothing is kept for less

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Periods:
    """How long ended operations are kept, and keys after the end of their operation or their last use."""

    operations: timedelta
    keys: timedelta

    @property
    def tombstones(self) -> timedelta:
        """After the purge; a key that is still kept says through the tombstone what it made."""
        return max(TOMBSTONES_KEPT, self.keys - self.operations + timedelta(days=1))

    @property
    def by_kind(self) -> Mapping[Kind, timedelta]:
        """In the order of removal: the same run removes the rest of a purged operation or simulation."""
        return {
            "batch_chunks": self.operations,
            "operations": self.operations,
            "keys": self.keys,
            "review_keys": self.keys,
            "simulations": self.keys,
            "tombstones": self.tombstones,
            "correlation_ids": self.operations + self.tombstones,  # since their operation began
            "documents": timedelta(0),
        }


class PurgeRefused(Exception):
    """A clock or a setting is not to be believed; nothing more is removed, because that cannot be undone."""


class PurgeService:
    """Safe when several run at once, and when a worker crashes anywhere: each batch is one transaction.

    Raises PurgeRefused, and StorageUnavailable in between; rows that were removed by then stay removed.
    """

    def __init__(self, storage: Storage, periods: Periods) -> None:
        self._storage = storage
        self._periods = periods

    async def run(self, *, seconds: float, on_batch: Callable[[Kind, int], None], witness: datetime) -> bool:
        """Remove for about so long, reporting each batch; returns whether nothing more was due.

        PostgreSQL's clock says what is due. `witness` is the present time by a clock that is neither PostgreSQL's nor
        this process's: rows alone cannot show that PostgreSQL's jumped ahead, because then all of them look old.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        await self._refuse_jump(witness)
        for kind, kept in self._periods.by_kind.items():
            if kind in AGED:
                await self._refuse_recent(kind, kept)
        for kind, kept in self._periods.by_kind.items():
            limit = BATCH
            while limit:
                began = asyncio.get_running_loop().time()
                if began > deadline:
                    return False
                removed = await self._removed(kind, kept, limit)
                on_batch(kind, removed or 0)
                if removed is None:
                    limit //= 2  # down to none: what cannot be removed in time is left to the next run
                elif removed < limit:
                    break
                await asyncio.sleep((asyncio.get_running_loop().time() - began) * REST)
        return True

    async def _refuse_jump(self, witness: datetime) -> None:
        async with self._storage.purging() as retention:
            now = await retention.now()
        if now - witness > RECENT:
            log.error("purge_refused", kind="all", database_time=now.isoformat(), witness=witness.isoformat())
            raise PurgeRefused("PostgreSQL's clock is more than an hour ahead of Temporal's")

    async def _refuse_recent(self, kind: Kind, kept: timedelta) -> None:
        async with self._storage.purging() as retention:
            due = await retention.due(kind, kept=kept, recent=RECENT)
        if due is not None and due.is_recent:
            log.error("purge_refused", kind=kind, oldest=due.oldest.isoformat(), newest=due.newest.isoformat())
            raise PurgeRefused(f"{kind} of the last hour would be removed")

    async def _removed(self, kind: Kind, kept: timedelta, limit: int) -> int | None:
        """The number of rows removed; None when the batch was undone."""
        try:
            async with self._storage.purging() as retention:
                return await retention.purge(kind, kept=kept, limit=limit)
        except BatchUndone:
            log.info("purge_batch_undone", kind=kind, limit=limit)
            return None

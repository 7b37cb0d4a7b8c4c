"""Remove what has been kept for long enough, in small batches that block no request."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

import structlog

from storage.retention import BatchUndone, Retention
from storage.unit_of_work import Storage

BATCH: Final = 50
REST: Final = 1.0  # times what a batch took: at least half of the time belongs to the others
TOMBSTONES_KEPT: Final = timedelta(days=90)
RECENT: Final = timedelta(hours=1)  # nothing is kept for less

log = structlog.get_logger(__name__)

Kind = Literal["operations", "keys", "review_keys", "simulations", "tombstones", "documents"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Periods:
    """How long ended operations are kept, and keys after the end or the use that they stand for."""

    operations: timedelta
    keys: timedelta

    @property
    def tombstones(self) -> timedelta:
        """After the purge; a key that is still kept says through the tombstone what it made."""
        return max(TOMBSTONES_KEPT, self.keys - self.operations + timedelta(days=1))


class PurgeRefused(Exception):
    """A clock or a setting is not to be believed; nothing more is removed, because that cannot be undone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Removal:
    """`table` and `kept` say what is due, for a kind that goes by its age."""

    kind: Kind
    remove: Callable[[Retention, int], Awaitable[int]]
    table: str | None = None
    kept: timedelta = timedelta(0)


class PurgeService:
    """Safe when several run at once and when one dies anywhere: each batch is one transaction.

    Raises PurgeRefused, and StorageUnavailable in between; what was removed by then is removed.
    """

    def __init__(self, storage: Storage, periods: Periods) -> None:
        self._storage = storage
        self._periods = periods

    async def run(self, *, seconds: float, on_batch: Callable[[Kind, int], None], witness: datetime) -> bool:
        """Remove for about so long, telling of each batch; whether nothing more was due.

        PostgreSQL's clock says what is due. `witness` is the present time by a clock that is neither PostgreSQL's nor
        this process's: rows alone cannot show that PostgreSQL's jumped ahead, because then all of them look old.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        await self._refuse_jump(witness)
        for removal in self._removals():
            await self._refuse_recent(removal)
            limit = BATCH
            while limit:
                began = asyncio.get_running_loop().time()
                if began > deadline:
                    return False
                removed = await self._removed(removal, limit)
                on_batch(removal.kind, removed or 0)
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

    async def _refuse_recent(self, removal: _Removal) -> None:
        if removal.table is None:
            return
        async with self._storage.purging() as retention:
            due = await retention.due(removal.table, kept=removal.kept, recent=RECENT)
        if due is not None and due.is_recent:
            log.error("purge_refused", kind=removal.kind, oldest=due.oldest.isoformat(), newest=due.newest.isoformat())
            raise PurgeRefused(f"{removal.kind} of the last hour would be removed")

    async def _removed(self, removal: _Removal, limit: int) -> int | None:
        """How many rows went; None when the batch was undone."""
        try:
            async with self._storage.purging() as retention:
                return await removal.remove(retention, limit)
        except BatchUndone:
            log.info("purge_batch_undone", kind=removal.kind, limit=limit)
            return None

    def _removals(self) -> Iterator[_Removal]:
        """In this order: what a purged operation or simulation leaves behind is removed by the same run."""
        ended, used, told = self._periods.operations, self._periods.keys, self._periods.tombstones
        yield _Removal(
            kind="operations",
            remove=lambda rows, limit: rows.purge_operations(kept=ended, limit=limit),
            table="operations",
            kept=ended,
        )
        yield _Removal(
            kind="keys",
            remove=lambda rows, limit: rows.purge_keys(kept=used, limit=limit),
            table="idempotency_keys",
            kept=used,
        )
        yield _Removal(
            kind="review_keys",
            remove=lambda rows, limit: rows.purge_review_keys(kept=used, limit=limit),
            table="review_keys",
            kept=used,
        )
        yield _Removal(
            kind="simulations",
            remove=lambda rows, limit: rows.purge_simulations(kept=used, limit=limit),
            table="simulations",
            kept=used,
        )
        yield _Removal(
            kind="tombstones",
            remove=lambda rows, limit: rows.purge_tombstones(kept=told, limit=limit),
            table="expired_operations",
            kept=told,
        )
        yield _Removal(kind="documents", remove=lambda rows, limit: rows.purge_documents(limit=limit))

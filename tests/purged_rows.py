"""Rows as if they had been written long ago, and the purge of them."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg

from services.purging import Periods, PurgeService
from storage.unit_of_work import Storage

DAY = timedelta(days=1)
PERIODS = Periods(operations=30 * DAY, keys=90 * DAY)
# What the purge goes by, as if it had been written so long before: no clock is turned.
AGED = {
    "operations": ("created_at", "updated_at", "finished_at", "progress_at"),
    "idempotency_keys": ("created_at",),
    "review_keys": ("created_at",),
    "simulations": ("created_at",),
    "operation_correlation_ids": ("operation_created_at",),
    "expired_operations": ("created_at", "finished_at", "expired_at"),
}


def age(dsn: str, *, days: float) -> None:
    """Let so many days pass."""
    with psycopg.connect(dsn) as connection:
        for table, columns in AGED.items():
            changes = ", ".join(f"{column} = {column} - {days} * interval '1 day'" for column in columns)
            connection.execute(f"UPDATE {table} SET {changes}")


async def purged(storage: Storage, *, periods: Periods = PERIODS, witness: datetime | None = None) -> Counter:
    removed: Counter = Counter()

    def on_batch(kind: str, count: int) -> None:
        removed[kind] += count

    purging = PurgeService(storage, periods)
    assert await purging.run(seconds=60, on_batch=on_batch, witness=witness or datetime.now(UTC))
    return +removed


async def purged_after(storage: Storage, dsn: str, *, days: float) -> Counter:
    age(dsn, days=days)
    return await purged(storage)

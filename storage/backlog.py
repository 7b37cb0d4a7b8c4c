"""The amount of open work and the age of its oldest, and of the last checkpoint, from a few rows of any index."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from storage.rows import Repository, value_row

# Open work is little of what is stored; where it is more than this, its exact number says nothing new.
MOST: Final = 20_000

SELECT_OPEN_OPERATIONS: Final = f"""
SELECT count(*) FILTER (WHERE status = 'PENDING') AS pending, count(*) FILTER (WHERE status = 'RUNNING') AS running,
    min(created_at) FILTER (WHERE status = 'PENDING') AS oldest_pending,
    min(started_at) FILTER (WHERE status = 'RUNNING') AS oldest_running, now() AS read_at
FROM (SELECT status, created_at, started_at FROM operations WHERE status IN ('PENDING', 'RUNNING')
    ORDER BY progress_at LIMIT {MOST}) AS open
"""
SELECT_RUNS_REMAINING: Final = f"""
SELECT coalesce(sum(runs_total - runs_succeeded - runs_failed), 0)
FROM (SELECT runs_total, runs_succeeded, runs_failed FROM operations
    WHERE status IN ('PENDING', 'RUNNING') AND operation_type = 'ANALYZE_SCENARIOS'
    ORDER BY progress_at LIMIT {MOST}) AS open
"""
SELECT_PENDING_DELIVERIES: Final = f"""
SELECT count(*) AS pending, min(pending_since) AS oldest_pending, min(due_at) AS first_due, now() AS read_at
FROM (SELECT coalesce(redelivered_at, created_at) AS pending_since, due_at FROM callback_deliveries
    WHERE status = 'PENDING' ORDER BY due_at LIMIT {MOST}) AS pending
"""
# Without a checkpoint, since the first proposal: ids ascend with time. Not as a moment, which may be an altered one.
SELECT_CHECKPOINT_AGE: Final = """
SELECT coalesce(extract(epoch FROM now() - coalesce(
    (SELECT taken_at FROM evidence_checkpoints ORDER BY checkpoint_no DESC LIMIT 1),
    (SELECT created_at FROM proposals ORDER BY proposal_id LIMIT 1))), 0)::float8
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenOperations:
    """Numbers by status, when the oldest of each were submitted and started, and PostgreSQL's time then."""

    pending: int
    running: int
    oldest_pending: datetime | None
    oldest_running: datetime | None
    read_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingDeliveries:
    """The number of pending callbacks, the oldest, the first due attempt, and PostgreSQL's time then."""

    pending: int
    oldest_pending: datetime | None
    first_due: datetime | None
    read_at: datetime


OPERATIONS_ROW: Final = value_row(OpenOperations)
DELIVERIES_ROW: Final = value_row(PendingDeliveries)


class BacklogReader(Repository):
    async def open_operations(self) -> OpenOperations:
        (row,) = await self._all(OPERATIONS_ROW, SELECT_OPEN_OPERATIONS)  # an aggregate is always one row
        return row

    async def runs_remaining(self) -> int:
        """Runs of open batches that are not computed."""
        return int(await self._value(SELECT_RUNS_REMAINING))

    async def pending_deliveries(self) -> PendingDeliveries:
        (row,) = await self._all(DELIVERIES_ROW, SELECT_PENDING_DELIVERIES)
        return row

    async def checkpoint_age(self) -> float:
        """Seconds since the last checkpoint of evidence; without one, since the first proposal; 0 without either."""
        return float(await self._value(SELECT_CHECKPOINT_AGE))

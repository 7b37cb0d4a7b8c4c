"""Which owed callbacks need their workflow started, and which are overdue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from psycopg import AsyncConnection

from storage.rows import value_row

START_COLUMNS: Final = """
    o.operation_id, o.operation_type, o.status AS operation_status, o.correlation_id, o.portfolio_id, o.created_by,
    o.proposal_id, d.redelivered_at IS NOT NULL AS is_redelivery,
    (SELECT coalesce(max(attempt_no), 0) FROM callback_attempts a WHERE a.operation_id = d.operation_id) AS attempts"""

# The operation's own workflow starts its callback within milliseconds; a claim keeps other starters off for a while.
CLAIM_UNSTARTED: Final = f"""
UPDATE callback_deliveries d SET start_claimed_at = now() FROM operations o
WHERE o.operation_id = d.operation_id AND d.operation_id IN (
    SELECT operation_id FROM callback_deliveries
    WHERE status = 'PENDING' AND started_workflow_at IS NULL AND created_at < now() - interval '2 seconds'
        AND (start_claimed_at IS NULL OR start_claimed_at < now() - interval '5 seconds')
    ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING {START_COLUMNS}
"""
SELECT_START: Final = f"""
SELECT {START_COLUMNS} FROM callback_deliveries d JOIN operations o USING (operation_id)
WHERE d.operation_id = %(operation_id)s AND d.status = 'PENDING'
"""
MARK_STARTED: Final = """
UPDATE callback_deliveries SET started_workflow_at = now()
WHERE operation_id = ANY(%(operation_ids)s) AND started_workflow_at IS NULL
"""
RELEASE_CLAIMS: Final = """
UPDATE callback_deliveries SET start_claimed_at = NULL WHERE operation_id = ANY(%(operation_ids)s)
"""
# A delivery that waits for a place at a busy host is overdue and well: it is looked at once a minute.
TAKE_OVERDUE: Final = """
UPDATE callback_deliveries SET checked_at = now()
WHERE operation_id IN (
    SELECT operation_id FROM callback_deliveries
    WHERE status = 'PENDING' AND due_at < now() - %(overdue)s
        AND (checked_at IS NULL OR checked_at < now() - %(overdue)s)
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING operation_id, started_workflow_at IS NULL AS awaits_start,
    created_at > now() - interval '10 minutes' AND NOT EXISTS (
        SELECT FROM callback_attempts a WHERE a.operation_id = callback_deliveries.operation_id) AS is_untried
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryStart:
    """What the start of a callback's workflow shows to operators; `attempts` is how many were made before it."""

    operation_id: str
    operation_type: str
    operation_status: str
    correlation_id: str
    portfolio_id: str
    created_by: str
    proposal_id: str | None
    is_redelivery: bool
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OverdueDelivery:
    """How far a delivery has come, for the judgement of a workflow that is closed in Temporal.

    `awaits_start`: no workflow is known to have been started for it, or for the redelivery that was asked for, so a
    closed one is of an earlier round. `is_untried`: a delivery of the last ten minutes without an attempt; a workflow
    that failed may have been started by hand before there was a delivery.
    """

    operation_id: str
    awaits_start: bool
    is_untried: bool


START_ROW: Final = value_row(DeliveryStart)
OVERDUE_ROW: Final = value_row(OverdueDelivery)


class DeliveryStarts:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def claim_unstarted(self, *, limit: int) -> list[DeliveryStart]:
        """The oldest PENDING deliveries that wait for their workflow for over two seconds, claimed for five."""
        async with self._connection.cursor(row_factory=START_ROW) as cursor:
            await cursor.execute(CLAIM_UNSTARTED, {"limit": limit})
            return await cursor.fetchall()

    async def start_of(self, operation_id: str) -> DeliveryStart | None:
        """How to start the workflow; None when the delivery has ended meanwhile."""
        async with self._connection.cursor(row_factory=START_ROW) as cursor:
            await cursor.execute(SELECT_START, {"operation_id": operation_id})
            return await cursor.fetchone()

    async def mark_started(self, operation_ids: Sequence[str]) -> None:
        await self._connection.execute(MARK_STARTED, {"operation_ids": list(operation_ids)})

    async def release_claims(self, operation_ids: Sequence[str]) -> None:
        await self._connection.execute(RELEASE_CLAIMS, {"operation_ids": list(operation_ids)})

    async def take_overdue(self, *, overdue: timedelta, limit: int) -> list[OverdueDelivery]:
        """The deliveries whose next attempt is due for longest, at least `overdue`, each once in that time."""
        async with self._connection.cursor(row_factory=OVERDUE_ROW) as cursor:
            await cursor.execute(TAKE_OVERDUE, {"overdue": overdue, "limit": limit})
            return await cursor.fetchall()

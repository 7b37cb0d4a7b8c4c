"""Rows that require a workflow: which of them have none yet, and which make no progress.

Two tables have such rows, operations and the deliveries of their callbacks. In both a row is claimed, started and
marked: the claim keeps other starters off for a while, and a starter that crashes with its claims only delays them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from psycopg import AsyncConnection
from psycopg.rows import AsyncRowFactory

from domain.operation import Operation
from storage.deliveries import ATTEMPTS
from storage.operations import OPERATION_COLUMNS, OPERATION_ROW, SELECT_OPERATION
from storage.rows import Repository, value_row
from storage.start_turns import take_in_turn

Row = TypeVar("Row")

MARK_STARTED: Final = """
UPDATE {table} SET started_workflow_at = now()
WHERE operation_id = ANY(%(operation_ids)s) AND started_workflow_at IS NULL
"""
RELEASE_CLAIMS: Final = "UPDATE {table} SET start_claimed_at = NULL WHERE operation_id = ANY(%(operation_ids)s)"

# Counts no further than the limit. The order makes the planner take the small index of started operations, however old
# its statistics are.
COUNT_STARTED: Final = """
SELECT count(*) FROM (
    SELECT FROM operations WHERE status IN ('PENDING', 'RUNNING') AND started_workflow_at IS NOT NULL
    ORDER BY operation_id LIMIT %(most)s) s
"""
CLAIM_OPERATIONS: Final = take_in_turn(
    "created_at < now() - interval '1 second'"
    " AND (start_claimed_at IS NULL OR start_claimed_at < now() - interval '5 seconds')",
    take="start_claimed_at = now()",
)
# Taking a row is progress, too: the next batch gets other rows, and two runs at once get different ones.
TAKE_STALLED: Final = f"""
UPDATE operations o SET progress_at = now()
WHERE operation_id IN (
    SELECT operation_id FROM operations
    WHERE status IN ('PENDING', 'RUNNING') AND progress_at < now() - %(idle)s AND started_workflow_at IS NOT NULL
    ORDER BY progress_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING {OPERATION_COLUMNS}
"""
# A row is never older than its progress: its age is what the index of waiting operations has.
TAKE_WAITING: Final = take_in_turn(
    "created_at < now() - %(idle)s AND progress_at < now() - %(idle)s", take="progress_at = now()"
)
SELECT_OPEN: Final = f"{SELECT_OPERATION} AND o.status IN ('PENDING', 'RUNNING')"
COUNT_RESTART: Final = """
UPDATE operations
SET workflow_restarts = workflow_restarts + 1, started_workflow_at = coalesce(started_workflow_at, now())
WHERE operation_id = %(operation_id)s
"""
# The API cancels the workflow at once; those that it could not reach, or had no time for in a crash, are left here.
SELECT_TO_CANCEL: Final = """
SELECT operation_id, cancelled_by FROM operations WHERE workflow_to_cancel AND updated_at < now() - %(idle)s
ORDER BY updated_at LIMIT %(limit)s
"""

_DELIVERY_COLUMNS: Final = f"""
    {OPERATION_COLUMNS}, d.redelivered_at, d.redelivered_by, d.started_workflow_at IS NULL AS awaits_start,
    {ATTEMPTS}, d.created_at > now() - interval '10 minutes' AS is_recent"""
SELECT_DELIVERY: Final = f"""
SELECT {_DELIVERY_COLUMNS} FROM callback_deliveries d JOIN operations o USING (operation_id)
WHERE d.operation_id = %(operation_id)s AND d.status = 'PENDING'
"""
# The operation's own workflow starts its callback within milliseconds: others leave it two seconds.
CLAIM_DELIVERIES: Final = f"""
UPDATE callback_deliveries d SET start_claimed_at = now() FROM operations o
WHERE o.operation_id = d.operation_id AND d.operation_id IN (
    SELECT operation_id FROM callback_deliveries
    WHERE status = 'PENDING' AND started_workflow_at IS NULL AND created_at < now() - interval '2 seconds'
        AND (start_claimed_at IS NULL OR start_claimed_at < now() - interval '5 seconds')
    ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING {_DELIVERY_COLUMNS}
"""
NOTE_DELIVERY_RESTART: Final = """
UPDATE callback_deliveries SET started_workflow_at = coalesce(started_workflow_at, now())
WHERE operation_id = %(operation_id)s
"""
# A delivery that waits for a slot of a busy host is overdue though nothing is wrong: it is checked once a minute.
TAKE_OVERDUE: Final = f"""
UPDATE callback_deliveries d SET checked_at = now() FROM operations o
WHERE o.operation_id = d.operation_id AND d.operation_id IN (
    SELECT operation_id FROM callback_deliveries
    WHERE status = 'PENDING' AND due_at < now() - %(idle)s
        AND (checked_at IS NULL OR checked_at < now() - %(idle)s)
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING {_DELIVERY_COLUMNS}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingDelivery(Operation):
    """An ended operation with how far the delivery of its callback has come.

    `awaits_start`: no workflow is known to have been started for the delivery, or for the redelivery that was asked
    for, so a closed one is of an earlier round. `is_recent`: the delivery is at most ten minutes old.
    """

    redelivered_at: datetime | None
    redelivered_by: str | None
    awaits_start: bool
    attempts: int
    is_recent: bool


DELIVERY_ROW: Final = value_row(PendingDelivery)


class WorkflowStarts(Repository, Generic[Row]):
    """The rows of one table that require a workflow."""

    def __init__(
        self,
        connection: AsyncConnection,
        *,
        table: str,
        row: AsyncRowFactory[Row],
        claim: str,
        take_stalled: str,
        select: str,
        restarted: str,
    ) -> None:
        super().__init__(connection)
        self._row = row
        self._claim = claim
        self._take_stalled = take_stalled
        self._select = select
        self._restarted = restarted
        self._mark = MARK_STARTED.format(table=table)
        self._release = RELEASE_CLAIMS.format(table=table)

    async def room(self, *, at_most: int) -> int:
        """How many more workflows may be started now."""
        return at_most

    async def claim_unstarted(self, *, limit: int) -> list[Row]:
        """Pending rows that have had no workflow for a second or two, claimed for five, in the order of their starts.

        Operations go by turns of their clients (`storage.start_turns`), deliveries oldest first.
        """
        return await self._all(self._row, self._claim, limit=limit)

    async def mark_started(self, operation_ids: Sequence[str]) -> None:
        await self._connection.execute(self._mark, {"operation_ids": list(operation_ids)})

    async def release_claims(self, operation_ids: Sequence[str]) -> None:
        await self._connection.execute(self._release, {"operation_ids": list(operation_ids)})

    async def take_stalled(self, *, idle: timedelta, limit: int) -> list[Row]:
        """The rows that were longest without progress, at least `idle`, each for one run of reconcile."""
        return await self._all(self._row, self._take_stalled, idle=idle, limit=limit)

    async def current(self, operation_id: str) -> Row | None:
        """The row; None when it requires no workflow any more."""
        return await self._one(self._row, self._select, operation_id=operation_id)

    async def note_restart(self, operation_id: str) -> None:
        await self._connection.execute(self._restarted, {"operation_id": operation_id})


class OperationStarts(WorkflowStarts[Operation]):
    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(
            connection,
            table="operations",
            row=OPERATION_ROW,
            claim=CLAIM_OPERATIONS,
            take_stalled=TAKE_STALLED,
            select=SELECT_OPEN,
            restarted=COUNT_RESTART,
        )

    async def room(self, *, at_most: int) -> int:
        """The open operations that have their workflow are counted no further than the limit."""
        return at_most - int(await self._value(COUNT_STARTED, most=at_most))

    async def take_waiting(self, *, idle: timedelta, limit: int) -> list[Operation]:
        """Operations that no start queue has started for `idle`, by turns of clients, for one run of reconcile."""
        return await self._all(OPERATION_ROW, TAKE_WAITING, idle=idle, limit=limit)

    async def workflows_to_cancel(self, *, idle: timedelta, limit: int) -> dict[str, str | None]:
        """Operations whose workflows are still to be cancelled at least so long after, with who cancelled them."""
        cursor = await self._connection.execute(SELECT_TO_CANCEL, {"idle": idle, "limit": limit})
        return dict(await cursor.fetchall())


def delivery_starts(connection: AsyncConnection) -> WorkflowStarts[PendingDelivery]:
    return WorkflowStarts(
        connection,
        table="callback_deliveries",
        row=DELIVERY_ROW,
        claim=CLAIM_DELIVERIES,
        take_stalled=TAKE_OVERDUE,
        select=SELECT_DELIVERY,
        restarted=NOTE_DELIVERY_RESTART,
    )

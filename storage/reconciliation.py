"""Which open operations have made no progress, for `ReconcileOperations` to look at."""

from datetime import timedelta
from typing import Final

from psycopg import AsyncConnection

from domain.operation import Operation
from storage.operations import OPERATION_COLUMNS, OPERATION_ROW
from storage.starting import COUNT_STARTED

# Taking a row is progress, too: the next batch gets other rows, and two runs at once get different ones.
# What has no workflow yet may be waiting for its turn: it has none as long as the window is full.
TAKE_STALLED: Final = f"""
UPDATE operations o SET progress_at = now()
WHERE operation_id IN (
    SELECT operation_id FROM operations
    WHERE status IN ('PENDING', 'RUNNING') AND progress_at < now() - %(idle)s
        AND (started_workflow_at IS NOT NULL OR ({COUNT_STARTED}) < %(most)s)
    ORDER BY progress_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING {OPERATION_COLUMNS}
"""
COUNT_RESTART: Final = """
UPDATE operations
SET workflow_restarts = workflow_restarts + 1, started_workflow_at = coalesce(started_workflow_at, now())
WHERE operation_id = %(operation_id)s
"""
# The API tells Temporal at once; what it could not, or died before it did, is left here.
SELECT_TO_CANCEL: Final = """
SELECT operation_id FROM operations WHERE workflow_to_cancel AND updated_at < now() - %(idle)s
ORDER BY updated_at LIMIT %(limit)s
"""


class Reconciliation:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def take_stalled(self, *, idle: timedelta, limit: int, max_started: int) -> list[Operation]:
        """The open operations that were longest without progress, at least `idle`; taken rows count as moved."""
        async with self._connection.cursor(row_factory=OPERATION_ROW) as cursor:
            await cursor.execute(TAKE_STALLED, {"idle": idle, "limit": limit, "most": max_started})
            return await cursor.fetchall()

    async def workflows_to_cancel(self, *, idle: timedelta, limit: int) -> list[str]:
        """Operations that were cancelled at least so long ago, whose workflows nobody has cancelled yet."""
        cursor = await self._connection.execute(SELECT_TO_CANCEL, {"idle": idle, "limit": limit})
        return [operation_id for (operation_id,) in await cursor.fetchall()]

    async def count_restart(self, operation_id: str) -> None:
        await self._connection.execute(COUNT_RESTART, {"operation_id": operation_id})

"""Which accepted operations still need their workflow started."""

from collections.abc import Sequence
from typing import Final

from psycopg import AsyncConnection

from domain.operation import Operation
from storage.operations import OPERATION_COLUMNS, OPERATION_ROW

# A claim keeps other starters off the row for a while; one that dies with its claims only delays them.
CLAIM_UNSTARTED: Final = f"""
UPDATE operations o SET start_claimed_at = now()
WHERE operation_id IN (
    SELECT operation_id FROM operations
    WHERE status = 'PENDING' AND started_workflow_at IS NULL AND created_at < now() - interval '1 second'
        AND (start_claimed_at IS NULL OR start_claimed_at < now() - interval '5 seconds')
    ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING {OPERATION_COLUMNS}
"""
MARK_STARTED: Final = """
UPDATE operations SET started_workflow_at = now()
WHERE operation_id = ANY(%(operation_ids)s) AND started_workflow_at IS NULL
"""
# Counts no further than the limit. The order makes the planner take the small index of started operations, however old
# its statistics are.
COUNT_STARTED: Final = """
SELECT count(*) FROM (
    SELECT FROM operations WHERE status IN ('PENDING', 'RUNNING') AND started_workflow_at IS NOT NULL
    ORDER BY operation_id LIMIT %(most)s) s
"""
RELEASE_CLAIMS: Final = """
UPDATE operations SET start_claimed_at = NULL WHERE operation_id = ANY(%(operation_ids)s)
"""


class Starting:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def started_count(self, *, at_most: int) -> int:
        """How many open operations have their workflow, counted up to so many."""
        cursor = await self._connection.execute(COUNT_STARTED, {"most": at_most})
        row = await cursor.fetchone()
        return 0 if row is None else int(row[0])

    async def claim_unstarted(self, *, limit: int) -> list[Operation]:
        """The oldest PENDING operations that wait for their workflow for over a second, claimed for five."""
        async with self._connection.cursor(row_factory=OPERATION_ROW) as cursor:
            await cursor.execute(CLAIM_UNSTARTED, {"limit": limit})
            return await cursor.fetchall()

    async def release_claims(self, operation_ids: Sequence[str]) -> None:
        await self._connection.execute(RELEASE_CLAIMS, {"operation_ids": list(operation_ids)})

    async def mark_started(self, operation_ids: Sequence[str]) -> None:
        await self._connection.execute(MARK_STARTED, {"operation_ids": list(operation_ids)})

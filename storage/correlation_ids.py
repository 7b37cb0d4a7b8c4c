"""Further correlation ids that operations were answered under: what a replay or a retry adds to an operation.

They outlive their operation for as long as its tombstone does (docs/adr/0030-every-correlation-id.md).
"""

from typing import Final

from domain.operation import ExpiredOperation, Operation
from storage.rows import Repository

MAX_OF_OPERATION: Final = 100
ADD: Final = """
INSERT INTO operation_correlation_ids (operation_id, correlation_id, client, operation_created_at, answered_at)
VALUES (%(operation_id)s, %(correlation_id)s, %(client)s, %(created_at)s, now())
ON CONFLICT (operation_id, correlation_id) DO UPDATE SET answered_at = excluded.answered_at
"""
# The newest stay: a caller looks for the answer that it has just received. Locked rows are skipped,
# since a statement that waits for one and holds another could wait in a circle.
DROP_OLDEST: Final = f"""
DELETE FROM operation_correlation_ids WHERE (operation_id, correlation_id) IN (
    SELECT operation_id, correlation_id FROM operation_correlation_ids WHERE operation_id = %(operation_id)s
    ORDER BY answered_at DESC OFFSET {MAX_OF_OPERATION} FOR UPDATE SKIP LOCKED)
"""


def newest_by_correlation(table: str, columns: str, *, conditions: str = "true", limit: str = "1") -> str:
    """The newest rows `o` of a table of operations that were answered under %(correlation_id)s, by indexes alone.

    An operation's own id is never among its further ones, so no row comes twice. `conditions` are on `o`.
    """
    newest = f"ORDER BY o.created_at DESC, o.operation_id DESC LIMIT {limit}"
    return f"""
SELECT {columns} FROM (
    (SELECT o.* FROM {table} o
    WHERE o.correlation_id = %(correlation_id)s AND o.client = %(client)s AND {conditions} {newest})
    UNION ALL
    (SELECT o.* FROM operation_correlation_ids c JOIN {table} o USING (operation_id)
    WHERE c.correlation_id = %(correlation_id)s AND c.client = %(client)s AND o.client = c.client AND {conditions}
    ORDER BY c.operation_created_at DESC, c.operation_id DESC LIMIT {limit})
) o {newest}
"""


class CorrelationIds(Repository):
    async def add(self, operation: Operation | ExpiredOperation, correlation_id: str) -> None:
        """Let the operation be found by this id, too. Outside of a transaction: each statement commits by itself."""
        row = {
            "operation_id": operation.operation_id,
            "correlation_id": correlation_id,
            "client": operation.client,
            "created_at": operation.created_at,
        }
        await self._connection.execute(ADD, row)
        await self._connection.execute(DROP_OLDEST, row)

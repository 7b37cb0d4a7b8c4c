"""Tombstones of purged operations: what is still said of them, for a while."""

from datetime import datetime
from typing import Final

from domain.operation import ExpiredOperation
from storage.correlation_ids import newest_by_correlation
from storage.rows import Repository, columns_of, value_row

_COLUMNS: Final = columns_of(ExpiredOperation)
EXPIRED_COLUMNS: Final = ", ".join(_COLUMNS)
# Each from the column of the same name: an operation has all of them but the time of the purge.
EXPIRED_VALUES: Final = ", ".join("now()" if column == "expired_at" else column for column in _COLUMNS)

SELECT_EXPIRED: Final = f"SELECT {EXPIRED_COLUMNS} FROM expired_operations WHERE operation_id = %(operation_id)s"
SELECT_NEWEST_BY_CORRELATION: Final = newest_by_correlation(
    "expired_operations",
    EXPIRED_COLUMNS,
    conditions="(%(after)s::timestamptz IS NULL OR o.created_at > %(after)s)",
)
EXPIRED_ROW: Final = value_row(ExpiredOperation)


class ExpiredOperationReader(Repository):
    async def get(self, operation_id: str) -> ExpiredOperation | None:
        return await self._one(EXPIRED_ROW, SELECT_EXPIRED, operation_id=operation_id)

    async def newest_by_correlation(
        self, correlation_id: str, *, client: str, after: datetime | None
    ) -> ExpiredOperation | None:
        """The newest of these, if it was created after that moment."""
        return await self._one(
            EXPIRED_ROW, SELECT_NEWEST_BY_CORRELATION, correlation_id=correlation_id, client=client, after=after
        )

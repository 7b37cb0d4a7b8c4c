"""Pages of operations, newest first, without reading what is not shown.

The plan behind it: docs/adr/0010-lists-by-enumerating-states.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.operation import OperationStatus, OperationType
from storage.correlation_ids import newest_by_correlation
from storage.keyset import Keyset
from storage.operations import OPERATION_COLUMNS, OPERATION_ROW


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationFilter:
    """The filters of a list; None does not filter, several values mean any of them. Bounds are inclusive."""

    status: tuple[OperationStatus, ...] | None = None
    operation_type: tuple[OperationType, ...] | None = None
    correlation_id: str | None = None
    proposal_id: str | None = None
    created_by: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


CONDITIONS: Final = {
    "status": "o.status = ANY(%(status)s)",
    "operation_type": "o.operation_type = ANY(%(operation_type)s)",
    "correlation_id": "true",  # `newest_by_correlation` compares it
    "proposal_id": "o.proposal_id = %(proposal_id)s",
    "created_by": "o.created_by = %(created_by)s",
    "created_from": "o.created_at >= %(created_from)s",
    "created_to": "o.created_at <= %(created_to)s",
}
# In place of the above: an index is read in its order for one type and status at a time.
EACH: Final = {
    "operation_type": "o.operation_type = each_operation_type.operation_type",
    "status": "o.status = each_status.status",
}
AFTER: Final = "(o.created_at, o.operation_id) < (%(after_created_at)s, %(after_id)s)"
NEWEST_FIRST: Final = "ORDER BY o.created_at DESC, o.operation_id DESC LIMIT %(limit)s"
# A cursor outlives its operation, so that paging goes on while the purge is at work.
SELECT_POSITION: Final = """
SELECT created_at FROM operations WHERE operation_id = %(id)s AND client = %(client)s
UNION ALL
SELECT created_at FROM expired_operations WHERE operation_id = %(id)s AND client = %(client)s
LIMIT 1
"""


def page_statement(filters: OperationFilter, cursor: str | None) -> str:
    """One ordered index scan for each combination of type and status that is asked for, merged; few rows each.

    A correlation id or a proposal is shared by few operations: these are read by their own index and filtered.
    """
    given = {name: text for name, text in CONDITIONS.items() if getattr(filters, name) is not None}
    if filters.correlation_id is not None:
        return newest_by_correlation(
            "operations", OPERATION_COLUMNS, conditions=_all_of(given, cursor), limit="%(limit)s"
        )
    if filters.proposal_id is not None:
        return f"SELECT {OPERATION_COLUMNS} FROM operations o WHERE {_all_of(given, cursor)} {NEWEST_FIRST}"
    types = _values("operation_type", filters.operation_type or OperationType)
    statuses = _values("status", filters.status or OperationStatus)
    scan = f"SELECT * FROM operations o WHERE {_all_of(given | EACH, cursor)} {NEWEST_FIRST}"
    return f"SELECT {OPERATION_COLUMNS} FROM {types} CROSS JOIN {statuses} CROSS JOIN LATERAL ({scan}) o {NEWEST_FIRST}"


def _all_of(conditions: Mapping[str, str], cursor: str | None) -> str:
    return " AND ".join(("o.client = %(client)s", *conditions.values(), *(() if cursor is None else (AFTER,))))


def _values(name: str, members: Iterable[StrEnum]) -> str:
    listed = ", ".join(f"('{member}')" for member in members)
    return f"(VALUES {listed}) AS each_{name} ({name})"


OPERATION_LIST: Final = Keyset(
    id_column="operation_id",
    row=OPERATION_ROW,
    filters=CONDITIONS,
    statement=page_statement,
    select_position=SELECT_POSITION,
)

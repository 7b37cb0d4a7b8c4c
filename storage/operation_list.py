"""Pages of operations, newest first, without reading what is not shown.

The plan behind it: docs/adr/0010-lists-by-enumerating-states.md.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.operation import OperationStatus, OperationType
from storage.correlation_ids import newest_by_correlation
from storage.keyset import Keyset
from storage.operations import OPERATION_COLUMNS, OPERATION_ROW


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationFilter:
    """The filters of a list; None does not filter. Bounds are inclusive."""

    status: OperationStatus | None = None
    operation_type: OperationType | None = None
    correlation_id: str | None = None
    proposal_id: str | None = None
    created_by: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


ENUMERATED: Final = {"operation_type": OperationType, "status": OperationStatus}
CONDITIONS: Final = {
    "status": "o.status = %(status)s",
    "operation_type": "o.operation_type = %(operation_type)s",
    "correlation_id": "true",  # `newest_by_correlation` compares it
    "proposal_id": "o.proposal_id = %(proposal_id)s",
    "created_by": "o.created_by = %(created_by)s",
    "created_from": "o.created_at >= %(created_from)s",
    "created_to": "o.created_at <= %(created_to)s",
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


def page_statement(narrowed: OperationFilter, cursor: str | None) -> str:
    """One ordered index scan for each combination of type and status that is asked for, merged; few rows each.

    A correlation id or a proposal is shared by few operations: these are read by their own index and filtered.
    """
    given = [name for name in CONDITIONS if getattr(narrowed, name) is not None]
    conditions = ["o.client = %(client)s", *(CONDITIONS[name] for name in given), *(() if cursor is None else (AFTER,))]
    if narrowed.correlation_id is not None:
        return newest_by_correlation(
            "operations", OPERATION_COLUMNS, conditions=" AND ".join(conditions), limit="%(limit)s"
        )
    if narrowed.proposal_id is not None:
        return f"SELECT {OPERATION_COLUMNS} FROM operations o WHERE {' AND '.join(conditions)} {NEWEST_FIRST}"
    spread = [name for name in ENUMERATED if name not in given]
    conditions += [f"o.{name} = each_{name}.{name}" for name in spread]
    scan = f"SELECT * FROM operations o WHERE {' AND '.join(conditions)} {NEWEST_FIRST}"
    combined = "".join(f"{_values(name)} CROSS JOIN " for name in spread)
    return f"SELECT {OPERATION_COLUMNS} FROM {combined} LATERAL ({scan}) o {NEWEST_FIRST}"


def _values(name: str) -> str:
    members = ", ".join(f"('{member}')" for member in ENUMERATED[name])
    return f"(VALUES {members}) AS each_{name} ({name})"


OPERATION_LIST: Final = Keyset(
    id_column="operation_id",
    row=OPERATION_ROW,
    filters=CONDITIONS,
    statement=page_statement,
    select_position=SELECT_POSITION,
)

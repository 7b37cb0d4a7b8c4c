"""Pages of proposals, newest first: each set of filters is an index scan that begins where the last page ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.proposal import ProposalState
from storage.keyset import Keyset
from storage.proposals import SHOWN_COLUMNS, SHOWN_ROW


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposalFilter:
    """The filters of a list; None does not filter, several states mean any of them. Bounds are inclusive."""

    portfolio_id: str | None = None
    current_state: tuple[ProposalState, ...] | None = None
    created_by: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


CONDITIONS: Final = {
    "portfolio_id": "portfolio_id = %(portfolio_id)s",
    "current_state": "current_state = each_state.state",
    "created_by": "created_by = %(created_by)s",
    "created_from": "created_at >= %(created_from)s",
    "created_to": "created_at <= %(created_to)s",
}
AFTER: Final = "(created_at, proposal_id) < (%(after_created_at)s, %(after_id)s)"
NEWEST_FIRST: Final = "ORDER BY created_at DESC, proposal_id DESC LIMIT %(limit)s"
SELECT_POSITION: Final = "SELECT created_at FROM proposals WHERE proposal_id = %(id)s AND client = %(client)s"
EACH_STATE: Final = "unnest(%(current_state)s::text[]) AS each_state (state)"


def page_statement(filters: ProposalFilter, cursor: str | None) -> str:
    """Only the conditions that are there, so that the planner sees which index they ask for.

    Of several states each is a short ordered index scan, and these are merged.
    """
    conditions = " AND ".join(
        (
            "client = %(client)s",
            *(text for name, text in CONDITIONS.items() if getattr(filters, name) is not None),
            *(() if cursor is None else (AFTER,)),
        )
    )
    if filters.current_state is None:
        return f"SELECT {SHOWN_COLUMNS} FROM proposals WHERE {conditions} {NEWEST_FIRST}"
    scan = f"SELECT * FROM proposals WHERE {conditions} {NEWEST_FIRST}"
    return f"SELECT {SHOWN_COLUMNS} FROM {EACH_STATE} CROSS JOIN LATERAL ({scan}) proposals {NEWEST_FIRST}"


PROPOSAL_LIST: Final = Keyset(
    id_column="proposal_id",
    row=SHOWN_ROW,
    filters=CONDITIONS,
    statement=page_statement,
    select_position=SELECT_POSITION,
)

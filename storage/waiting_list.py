"""Pages of proposals in the order in which they wait: whose last event is oldest comes first.

A proposal moves to the end when something happens to it, so a cursor holds the position that it was made at, not only
the id; and what it is a cursor of: one list, one client, one set of filters (docs/adr/0035-the-queue-of-reviewers.md).
"""

import re
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from domain.canonical import sha256_of
from domain.errors import CursorInvalid
from domain.proposal import ProposalState
from storage.keyset import Page, filter_parameters
from storage.proposal_list import CONDITIONS, EACH_STATE, ProposalFilter
from storage.proposals import SHOWN_COLUMNS, SHOWN_ROW, ShownProposal
from storage.rows import Repository

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR: Final = re.compile(r"waiting-([0-9]{1,17})-(pp_[0-9a-f]{1,64})-([0-9a-f]{16})")
AFTER: Final = "(last_event_at, proposal_id) > (%(after_last_event_at)s, %(after_id)s)"
LONGEST_FIRST: Final = "ORDER BY last_event_at, proposal_id LIMIT %(limit)s"
# Nothing happens to a proposal before it is created: the scan of the index can begin there.
SINCE_CREATED: Final = "last_event_at >= %(created_from)s"


def waiting_statement(filters: ProposalFilter, cursor: str | None) -> str:
    """Each state is a short ordered index scan, and these are merged."""
    conditions = [
        "client = %(client)s",
        CONDITIONS["current_state"],
        *(text for name, text in CONDITIONS.items() if name != "current_state" and getattr(filters, name) is not None),
        *(() if filters.created_from is None else (SINCE_CREATED,)),
        *(() if cursor is None else (AFTER,)),
    ]
    scan = f"SELECT * FROM proposals WHERE {' AND '.join(conditions)} {LONGEST_FIRST}"
    return f"SELECT {SHOWN_COLUMNS} FROM {EACH_STATE} CROSS JOIN LATERAL ({scan}) proposals {LONGEST_FIRST}"


def waiting_parameters(filters: ProposalFilter) -> dict[str, Any]:
    """What the statement binds of the filters: without one of states all of them."""
    states = tuple(ProposalState) if filters.current_state is None else filters.current_state
    return filter_parameters(replace(filters, current_state=states), CONDITIONS)


class WaitingReader(Repository):
    async def page(
        self, filters: ProposalFilter, *, client: str, cursor: str | None, limit: int
    ) -> Page[ShownProposal]:
        """At most `limit` proposals after the cursor's position. Raises CursorInvalid."""
        of = sha256_of(repr((client, *astuple(filters)))).removeprefix("sha256:")[:16]
        position = {} if cursor is None else _position(cursor, of=of)
        parameters = waiting_parameters(filters) | position | {"client": client, "limit": limit + 1}
        found = await self._all(SHOWN_ROW, waiting_statement(filters, cursor), **parameters)
        return Page.of(found, limit=limit, cursor_of=lambda last: _cursor(last, of=of))


def _cursor(last: ShownProposal, *, of: str) -> str:
    return f"waiting-{(last.last_event_at - EPOCH) // timedelta(microseconds=1)}-{last.proposal_id}-{of}"


def _position(cursor: str, *, of: str) -> dict[str, Any]:
    found = CURSOR.fullmatch(cursor)
    if found is None or found[3] != of:
        raise CursorInvalid
    try:
        moment = EPOCH + timedelta(microseconds=int(found[1]))
    except OverflowError:
        raise CursorInvalid from None
    return {"after_last_event_at": moment, "after_id": found[2]}

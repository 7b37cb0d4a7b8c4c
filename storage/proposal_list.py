"""Pages of proposals, newest first: each set of filters is an index scan that begins where the last page ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import AsyncConnection

from domain.proposal import Proposal
from storage.proposals import PROPOSAL_COLUMNS, PROPOSAL_ROW


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposalFilter:
    """What a list is narrowed to; None does not narrow. Bounds are inclusive."""

    portfolio_id: str | None = None
    current_state: str | None = None
    created_by: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


CONDITIONS: Final = {
    "portfolio_id": "portfolio_id = %(portfolio_id)s",
    "current_state": "current_state = %(current_state)s",
    "created_by": "created_by = %(created_by)s",
    "created_from": "created_at >= %(created_from)s",
    "created_to": "created_at <= %(created_to)s",
}
AFTER: Final = "(created_at, proposal_id) < (%(after_created_at)s, %(after_proposal_id)s)"
SELECT_POSITION: Final = "SELECT created_at FROM proposals WHERE proposal_id = %(proposal_id)s AND client = %(client)s"


def page_statement(narrowed: ProposalFilter, *, is_first: bool) -> str:
    """Only the conditions that are there, so that the planner sees which index they ask for."""
    conditions = [
        "client = %(client)s",
        *(text for name, text in CONDITIONS.items() if getattr(narrowed, name) is not None),
        *(() if is_first else (AFTER,)),
    ]
    return (
        f"SELECT {PROPOSAL_COLUMNS} FROM proposals WHERE {' AND '.join(conditions)} "
        "ORDER BY created_at DESC, proposal_id DESC LIMIT %(limit)s"
    )


class ProposalList:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def page(
        self, narrowed: ProposalFilter, *, client: str, after: str | None, limit: int
    ) -> list[Proposal] | None:
        """At most `limit` proposals that come after the one of this id; None when it is no proposal of the client."""
        parameters = {name: getattr(narrowed, name) for name in CONDITIONS} | {"client": client, "limit": limit}
        if after is not None:
            cursor = await self._connection.execute(SELECT_POSITION, {"proposal_id": after, "client": client})
            position = await cursor.fetchone()
            if position is None:
                return None
            parameters |= {"after_created_at": position[0], "after_proposal_id": after}
        async with self._connection.cursor(row_factory=PROPOSAL_ROW) as rows:
            await rows.execute(page_statement(narrowed, is_first=after is None), parameters)
            return await rows.fetchall()

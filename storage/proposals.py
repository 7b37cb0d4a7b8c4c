"""Proposals and their immutable versions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.proposal import Proposal, ProposalVersion
from storage.events import STATE_BEGAN
from storage.rows import Repository, columns_of, parameters_of, value_row

PROPOSAL_FIELDS: Final = columns_of(Proposal)
VERSION_FIELDS: Final = columns_of(ProposalVersion)
VERSION_COLUMNS: Final = ", ".join(VERSION_FIELDS)


PROPOSAL_COLUMNS: Final = ", ".join(PROPOSAL_FIELDS)
SHOWN_COLUMNS: Final = (
    f"{PROPOSAL_COLUMNS}, "
    f"{STATE_BEGAN.format(proposal_id='proposals.proposal_id', sequence='proposals.event_count')} AS waiting_since"
)
SELECT_PROPOSAL: Final = (
    f"SELECT {SHOWN_COLUMNS} FROM proposals WHERE proposal_id = %(proposal_id)s AND client = %(client)s"
)
LOCK_PROPOSAL: Final = f"""
SELECT {PROPOSAL_COLUMNS}, clock_timestamp() AS locked_at FROM proposals
WHERE proposal_id = %(proposal_id)s AND client = %(client)s FOR UPDATE
"""
ADVANCE_PROPOSAL: Final = """
UPDATE proposals
SET portfolio_id = %(portfolio_id)s, current_state = %(current_state)s, current_version_no = %(current_version_no)s,
    last_event_at = %(last_event_at)s, event_count = %(event_count)s, last_event_hash = %(last_event_hash)s
WHERE proposal_id = %(proposal_id)s
"""
SELECT_VERSION: Final = (
    f"SELECT {VERSION_COLUMNS} FROM proposal_versions "
    "WHERE proposal_id = %(proposal_id)s AND version_no = %(version_no)s"
)
SELECT_VERSIONS: Final = (
    f"SELECT {VERSION_COLUMNS} FROM proposal_versions WHERE proposal_id = %(proposal_id)s ORDER BY version_no"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownProposal(Proposal):
    """A proposal as it is read, with the moment when its present state began."""

    waiting_since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedProposal(Proposal):
    """A proposal whose row is locked, with PostgreSQL's time then: the time of an event that the lock's holder adds."""

    locked_at: datetime


SHOWN_ROW: Final = value_row(ShownProposal)
LOCKED_ROW: Final = value_row(LockedProposal)
VERSION_ROW: Final = value_row(ProposalVersion)


class ProposalReader(Repository):
    async def get(self, proposal_id: str, *, client: str) -> ShownProposal | None:
        return await self._one(SHOWN_ROW, SELECT_PROPOSAL, proposal_id=proposal_id, client=client)

    async def version(self, proposal_id: str, version_no: int) -> ProposalVersion | None:
        return await self._one(VERSION_ROW, SELECT_VERSION, proposal_id=proposal_id, version_no=version_no)

    async def versions(self, proposal_id: str) -> list[ProposalVersion]:
        """Ascending."""
        return await self._all(VERSION_ROW, SELECT_VERSIONS, proposal_id=proposal_id)


class Proposals(ProposalReader):
    async def lock_proposal(self, proposal_id: str, *, client: str) -> LockedProposal | None:
        """The proposal, locked until the transaction ends: every transaction that adds to its trail holds this lock."""
        return await self._one(LOCKED_ROW, LOCK_PROPOSAL, proposal_id=proposal_id, client=client)

    async def advance(self, proposal: Proposal) -> None:
        """Bring a locked proposal's row to where its newest event led."""
        await self._connection.execute(ADVANCE_PROPOSAL, parameters_of(proposal, PROPOSAL_FIELDS))

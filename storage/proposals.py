"""Proposals and their immutable versions."""

from dataclasses import fields
from typing import Final

from psycopg import AsyncConnection

from domain.proposal import Proposal, ProposalVersion
from storage.rows import insert_statement, value_row

_PROPOSAL_COLUMNS: Final = [field.name for field in fields(Proposal)]
_VERSION_COLUMNS: Final = [field.name for field in fields(ProposalVersion)]


INSERT_PROPOSAL: Final = insert_statement("proposals", _PROPOSAL_COLUMNS)
INSERT_VERSION: Final = insert_statement("proposal_versions", _VERSION_COLUMNS)
SELECT_PROPOSAL: Final = (
    f"SELECT {', '.join(_PROPOSAL_COLUMNS)} FROM proposals WHERE proposal_id = %(proposal_id)s AND client = %(client)s"
)
SELECT_VERSION: Final = (
    f"SELECT {', '.join(_VERSION_COLUMNS)} FROM proposal_versions "
    "WHERE proposal_id = %(proposal_id)s AND version_no = %(version_no)s"
)


PROPOSAL_ROW: Final = value_row(Proposal)
VERSION_ROW: Final = value_row(ProposalVersion)


class ProposalReader:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, proposal_id: str, *, client: str) -> Proposal | None:
        async with self._connection.cursor(row_factory=PROPOSAL_ROW) as cursor:
            await cursor.execute(SELECT_PROPOSAL, {"proposal_id": proposal_id, "client": client})
            return await cursor.fetchone()

    async def version(self, proposal_id: str, version_no: int) -> ProposalVersion | None:
        async with self._connection.cursor(row_factory=VERSION_ROW) as cursor:
            await cursor.execute(SELECT_VERSION, {"proposal_id": proposal_id, "version_no": version_no})
            return await cursor.fetchone()


class Proposals(ProposalReader):
    async def add(self, proposal: Proposal) -> None:
        await self._connection.execute(INSERT_PROPOSAL, {name: getattr(proposal, name) for name in _PROPOSAL_COLUMNS})

    async def add_version(self, version: ProposalVersion) -> None:
        await self._connection.execute(INSERT_VERSION, {name: getattr(version, name) for name in _VERSION_COLUMNS})

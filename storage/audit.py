"""Evidence in bulk, for its verification: whole proposals, rows without what they belong to, and every document.

An altered value must not keep its row from being read, or the row would escape verification. So states and types are
read as plain texts, and a moment outside the calendar becomes the last one in it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import zstandard
from psycopg import AsyncConnection, DataError
from psycopg.abc import Buffer
from psycopg.rows import AsyncRowFactory, class_row, kwargs_row
from psycopg.types.datetime import TimestamptzLoader

from domain.audit_check import MISSING, BrokenRow, Evidence
from domain.checkpoint import SeenHead
from domain.proposal import Approval, Proposal, ProposalVersion, WorkflowEvent
from storage.checkpoints import CheckpointReader
from storage.documents import document_seal
from storage.events import EVENT_COLUMNS
from storage.proposals import PROPOSAL_COLUMNS, VERSION_COLUMNS
from storage.reviews import APPROVAL_COLUMNS
from storage.rows import Repository
from storage.safeguards import broken_safeguards

COUNT: Final = "SELECT (SELECT count(*) FROM proposals) + (SELECT count(*) FROM documents)"
SELECT_PROPOSALS: Final = f"""
SELECT {PROPOSAL_COLUMNS} FROM proposals WHERE proposal_id > %(after)s ORDER BY proposal_id LIMIT %(limit)s
"""
SELECT_PROPOSAL: Final = f"SELECT {PROPOSAL_COLUMNS} FROM proposals WHERE proposal_id = %(proposal_id)s"
OF_PROPOSALS: Final = "WHERE proposal_id = ANY(%(proposal_ids)s)"
SELECT_VERSIONS: Final = f"SELECT {VERSION_COLUMNS} FROM proposal_versions {OF_PROPOSALS} ORDER BY version_no"
SELECT_EVENTS: Final = f"SELECT {EVENT_COLUMNS} FROM workflow_events {OF_PROPOSALS} ORDER BY sequence"
SELECT_APPROVALS: Final = f"SELECT {APPROVAL_COLUMNS} FROM approvals {OF_PROPOSALS} ORDER BY occurred_at, approval_id"
SELECT_VERSION: Final = f"SELECT {VERSION_COLUMNS} FROM proposal_versions WHERE proposal_version_id = %(version_id)s"
SELECT_CLIENTS: Final = "SELECT operation_id, client FROM operations WHERE operation_id = ANY(%(operation_ids)s)"
# The foreign keys rule all three out, for every role that cannot disable a trigger.
SELECT_ORPHANS: Final = """
SELECT 'proposal_versions' AS table, proposal_version_id AS row, proposal_id FROM proposal_versions v
WHERE NOT EXISTS (SELECT FROM proposals p WHERE p.proposal_id = v.proposal_id)
UNION ALL
SELECT 'workflow_events', event_id, proposal_id FROM workflow_events e
WHERE NOT EXISTS (SELECT FROM proposals p WHERE p.proposal_id = e.proposal_id)
UNION ALL
SELECT 'approvals', approval_id, proposal_id FROM approvals a
WHERE NOT EXISTS (SELECT FROM proposals p WHERE p.proposal_id = a.proposal_id)
"""
# Rows that operations, simulations and checkpoints still refer to.
SELECT_MISSING: Final = """
SELECT 'proposals' AS table, proposal_id AS row, proposal_id FROM operations o
WHERE proposal_version_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM proposals p WHERE p.proposal_id = o.proposal_id)
UNION
SELECT 'proposal_versions', proposal_version_id, proposal_id FROM operations o
WHERE proposal_version_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM proposal_versions v WHERE v.proposal_version_id = o.proposal_version_id)
UNION
SELECT 'documents', address, NULL FROM (
    SELECT unnest(ARRAY[request_document, result_document, inputs_document, artifact_document]) FROM operations
    UNION
    SELECT unnest(ARRAY[result_document, inputs_document, artifact_document]) FROM simulations
) AS remembered (address)
WHERE address IS NOT NULL AND NOT EXISTS (SELECT FROM documents d WHERE d.sha256 = address)
UNION
SELECT 'proposals', proposal_id, proposal_id FROM checkpoint_heads h
WHERE NOT EXISTS (SELECT FROM proposals p WHERE p.proposal_id = h.proposal_id)
ORDER BY 1 DESC, 2
"""
# Other rows that name a version's client; the version's hash covers its own. Simulations, and operations that made
# nothing, cannot be compared with a version. A key is shown by its operation or event.
SELECT_OTHER_CLIENTS: Final = """
SELECT DISTINCT "table", row, proposal_id FROM (
    SELECT 'proposals' AS table, p.proposal_id AS row, v.proposal_id, v.proposal_version_id
    FROM proposal_versions v JOIN proposals p USING (proposal_id) WHERE p.client <> v.client
    UNION ALL
    SELECT 'operations', o.operation_id, v.proposal_id, v.proposal_version_id
    FROM proposal_versions v JOIN operations o USING (operation_id) WHERE o.client <> v.client
    UNION ALL
    SELECT 'expired_operations', o.operation_id, v.proposal_id, v.proposal_version_id
    FROM proposal_versions v JOIN expired_operations o USING (operation_id) WHERE o.client <> v.client
    UNION ALL
    SELECT 'idempotency_keys', k.operation_id, v.proposal_id, v.proposal_version_id
    FROM proposal_versions v JOIN idempotency_keys k USING (operation_id) WHERE k.client <> v.client
    UNION ALL
    SELECT 'review_keys', k.event_id, v.proposal_id, v.proposal_version_id
    FROM review_keys k JOIN workflow_events e USING (event_id) JOIN proposal_versions v USING (proposal_id)
    WHERE v.version_no = 1 AND k.client <> v.client
) AS found
WHERE (%(proposal_id)s::text IS NULL OR proposal_id = %(proposal_id)s)
    AND NOT proposal_version_id = ANY(%(altered)s::text[])
ORDER BY 3, 1 DESC, 2
"""
DOCUMENT_COLUMNS: Final = "sha256, kind, size, content, encoding, created_at, seal"
SELECT_DOCUMENTS: Final = f"""
SELECT {DOCUMENT_COLUMNS} FROM documents WHERE sha256 > %(after)s ORDER BY sha256 LIMIT %(limit)s
"""
SELECT_NAMED_DOCUMENTS: Final = f"SELECT {DOCUMENT_COLUMNS} FROM documents WHERE sha256 = ANY(%(addresses)s)"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDocument:
    """A document as it lies there, which need not be as it was written."""

    sha256: str
    kind: str
    size: int
    content: bytes
    encoding: str
    created_at: datetime
    seal: str

    def is_sealed(self) -> bool:
        """Whether the row is as it was written, down to the last bit of the compressed form."""
        row = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "seal"}
        try:
            return document_seal(**row) == self.seal
        except OverflowError:  # an altered time may have no end
            return False

    def plain(self) -> bytes | None:
        """Its bytes; None when they cannot be decompressed, or something follows them."""
        try:
            return zstandard.ZstdDecompressor().decompress(self.content, allow_extra_data=False)
        except (zstandard.ZstdError, MemoryError, OverflowError):  # an altered header may promise any size
            return None


class _AnyMomentLoader(TimestamptzLoader):
    """An altered row may hold `infinity`, or a year that Python does not count: both are read as the last moment."""

    def load(self, data: Buffer) -> datetime:
        try:
            return super().load(data)
        except DataError:
            return datetime.max.replace(tzinfo=UTC)


PROPOSAL_ROW: Final = class_row(Proposal)
VERSION_ROW: Final = class_row(ProposalVersion)
EVENT_ROW: Final = class_row(WorkflowEvent)
APPROVAL_ROW: Final = class_row(Approval)
DOCUMENT_ROW: Final = class_row(StoredDocument)
ORPHAN: Final = kwargs_row(partial(BrokenRow, reason="belongs to no proposal"))
MISSING_ROW: Final = kwargs_row(partial(BrokenRow, reason=MISSING))
OTHER_CLIENT: Final = kwargs_row(partial(BrokenRow, reason="has another client than the version says"))


class AuditReader(Repository):
    """Reads for all clients; the caller holds a snapshot."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.checkpoints = CheckpointReader(connection)

    async def size(self) -> int:
        """The number of proposals and documents."""
        return int(await self._value(COUNT))

    async def evidence_after(self, proposal_id: str, *, limit: int) -> list[Evidence]:
        """The next proposals by id, each with everything about it."""
        proposals = await self._rows(PROPOSAL_ROW, SELECT_PROPOSALS, after=proposal_id, limit=limit)
        return await self._with_rows(proposals)

    async def evidence_of(self, proposal_id: str) -> Evidence | None:
        found = await self._with_rows(await self._rows(PROPOSAL_ROW, SELECT_PROPOSAL, proposal_id=proposal_id))
        return found[0] if found else None

    async def seen_heads(self, proposal_ids: Sequence[str]) -> Mapping[str, Sequence[SeenHead]]:
        """The heads of these proposals that checkpoints saw, by proposal, the first one first."""
        return _by_proposal(await self.checkpoints.seen(proposal_ids))

    async def orphans(self) -> list[BrokenRow]:
        """Rows whose proposal is not there."""
        return await self._rows(ORPHAN, SELECT_ORPHANS)

    async def missing(self) -> list[BrokenRow]:
        """Rows that are not there, though an operation, a simulation or a checkpoint says that they were."""
        return await self._rows(MISSING_ROW, SELECT_MISSING)

    async def version(self, version_id: str) -> ProposalVersion | None:
        found: list[ProposalVersion] = await self._rows(VERSION_ROW, SELECT_VERSION, version_id=version_id)
        return found[0] if found else None

    async def clients(self, operation_ids: Sequence[str]) -> dict[str, str]:
        """The clients of these operations by operation id, without those that were purged."""
        cursor = await self._connection.execute(SELECT_CLIENTS, {"operation_ids": list(operation_ids)})
        return dict(await cursor.fetchall())

    async def other_clients(self, proposal_id: str | None = None, *, altered: Collection[str]) -> list[BrokenRow]:
        """Rows of one proposal, or of all, that name another client than its versions do, each once.

        The statements of an altered version are ignored.
        """
        parameters = {"proposal_id": proposal_id, "altered": list(altered)}
        return await self._rows(OTHER_CLIENT, SELECT_OTHER_CLIENTS, **parameters)

    async def broken_safeguards(self) -> list[BrokenRow]:
        """The triggers, keys, grants and owners of these tables that are not as migrations left them."""
        return await broken_safeguards(self._connection)

    async def documents_after(self, address: str, *, limit: int) -> list[StoredDocument]:
        return await self._rows(DOCUMENT_ROW, SELECT_DOCUMENTS, after=address, limit=limit)

    async def documents(self, addresses: Sequence[str]) -> dict[str, StoredDocument]:
        """The existing ones, by address."""
        found: list[StoredDocument] = await self._rows(
            DOCUMENT_ROW, SELECT_NAMED_DOCUMENTS, addresses=list(set(addresses))
        )
        return {document.sha256: document for document in found}

    async def _with_rows(self, proposals: Sequence[Any]) -> list[Evidence]:
        proposal_ids = [proposal.proposal_id for proposal in proposals]
        versions = _by_proposal(await self._rows(VERSION_ROW, SELECT_VERSIONS, proposal_ids=proposal_ids))
        events = _by_proposal(await self._rows(EVENT_ROW, SELECT_EVENTS, proposal_ids=proposal_ids))
        approvals = _by_proposal(await self._rows(APPROVAL_ROW, SELECT_APPROVALS, proposal_ids=proposal_ids))
        return [
            Evidence(
                proposal=proposal,
                versions=versions[proposal.proposal_id],
                events=events[proposal.proposal_id],
                approvals=approvals[proposal.proposal_id],
            )
            for proposal in proposals
        ]

    async def _rows(self, row_factory: AsyncRowFactory[Any], statement: str, **parameters: Any) -> list[Any]:
        async with self._connection.cursor(row_factory=row_factory) as cursor:
            cursor.adapters.register_loader("timestamptz", _AnyMomentLoader)
            await cursor.execute(statement, parameters)
            return await cursor.fetchall()


def _by_proposal(rows: Sequence[ProposalVersion | WorkflowEvent | Approval | SeenHead]) -> defaultdict[str, list[Any]]:
    grouped: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.proposal_id].append(row)
    return grouped

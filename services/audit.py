"""Verifying the stored evidence: every chain, every row that a chain vouches for, every document, every named hash."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from domain.audit_check import ALTERED, MISSING, BrokenRow, Evidence, broken_rows
from domain.canonical import sha256_of
from domain.checkpoint import ChainHead, SeenHead
from domain.engine.codes import ENGINE_VERSION
from domain.evidence import RequestKind, named_hashes, stored_request_hash
from domain.proposal import Proposal, ProposalVersion, WorkflowEvent
from services.checkpoint_check import NO_DEMANDS, CheckpointDemands, CheckpointResult, broken_checkpoints
from storage.audit import AuditReader, StoredDocument
from storage.unit_of_work import Storage

PROPOSALS_A_BATCH: Final = 100
DOCUMENTS_A_BATCH: Final = 100
METADATA: Final = ("title", "advisor_notes", "mandate_id", "jurisdiction")
ROLES: Final = ("request", "result", "inputs", "artifact")
UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError)

Progress = Callable[[int], None]  # the number of proposals or documents checked since the last call


@dataclass(slots=True)
class VerificationResult:
    """How much was checked, and where each chain ends."""

    versions: int = 0
    events: int = 0
    approvals: int = 0
    documents: int = 0
    heads: list[ChainHead] = field(default_factory=list)
    checkpoints: CheckpointResult = field(default_factory=CheckpointResult)


class AuditVerification:
    """Reads only, and finds rows that were changed by other means than the service. Raises StorageUnavailable."""

    def __init__(
        self,
        storage: Storage,
        *,
        against: Mapping[str, ChainHead],
        progress: Progress,
        demands: CheckpointDemands = NO_DEMANDS,
    ) -> None:
        self._storage = storage
        self._against = against
        self._progress = progress
        self._demands = demands
        self.verified = VerificationResult()

    async def size(self) -> int:
        """The number of proposals and documents to check."""
        async with self._storage.snapshot() as reader:
            return await reader.size()

    async def everything(self) -> AsyncIterator[BrokenRow]:
        """The broken rows of all proposals of all clients, and of documents that no proposal refers to.

        Also the database's safeguards of evidence that are not as migrations left them.
        """
        named: set[str] = set()
        async for broken in self._broken_proposals():
            # Many versions can be made of one document.
            if broken.table != "documents" or broken.row not in named:
                yield broken
            named.add(broken.row)
        async with self._storage.snapshot() as reader:
            beside = [*await reader.other_clients(altered=named), *await reader.broken_safeguards()]
        for broken in beside:
            yield broken
        async for broken in self._missing_and_orphans():
            if broken.row not in named:
                yield broken
            named.add(broken.row)
        async with self._storage.snapshot(by_index=True) as reader:
            async for broken in broken_checkpoints(reader.checkpoints, self._demands, self.verified.checkpoints):
                yield broken
        async for broken in self._documents():
            if broken.row not in named:
                yield broken

    async def proposal(self, proposal_id: str) -> AsyncIterator[BrokenRow]:
        """The broken rows of one proposal, itself if it is missing."""
        async with self._storage.snapshot() as reader:
            evidence = await reader.evidence_of(proposal_id)
            if evidence is None:
                broken = [_missing_proposal(proposal_id)]
            else:
                broken = await self._check(reader, [evidence])
                broken += await reader.other_clients(proposal_id, altered={row.row for row in broken})
        for row in broken:
            yield row

    async def _broken_proposals(self) -> AsyncIterator[BrokenRow]:
        after = ""
        while True:
            async with self._storage.snapshot() as reader:
                batch = await reader.evidence_after(after, limit=PROPOSALS_A_BATCH)
                broken = await self._check(reader, batch)
            if not batch:
                return
            for row in broken:
                yield row
            after = batch[-1].proposal.proposal_id

    async def _missing_and_orphans(self) -> AsyncIterator[BrokenRow]:
        async with self._storage.snapshot() as reader:
            orphans, missing = await reader.orphans(), await reader.missing()
        known = {head.proposal_id for head in self.verified.heads}
        for proposal_id in sorted(self._against.keys() - known):
            yield _missing_proposal(proposal_id)
        for row in missing:
            yield row
        for row in orphans:
            if row.proposal_id is not None:
                yield _missing_proposal(row.proposal_id)
            yield row

    async def _check(self, reader: AuditReader, batch: Sequence[Evidence]) -> list[BrokenRow]:
        first_operations = [version.operation_id for evidence in batch for version in evidence.versions[:1]]
        clients = await reader.clients(first_operations)
        seen = await reader.seen_heads([evidence.proposal.proposal_id for evidence in batch])
        broken: list[BrokenRow] = []
        for evidence in batch:
            addresses = [address for version in evidence.versions for address in addresses_of(version).values()]
            documents = await reader.documents(addresses)
            broken += await asyncio.to_thread(list, _broken(evidence, documents, clients))
            broken += _replaced_heads(evidence, self._against, seen)
            self._count(evidence)
        return broken

    def _count(self, evidence: Evidence) -> None:
        self.verified.versions += len(evidence.versions)
        self.verified.events += len(evidence.events)
        self.verified.approvals += len(evidence.approvals)
        self.verified.heads.append(ChainHead.of(evidence.proposal))
        self._progress(1)

    async def _documents(self) -> AsyncIterator[BrokenRow]:
        after = ""
        while True:
            async with self._storage.snapshot() as reader:
                batch = await reader.documents_after(after, limit=DOCUMENTS_A_BATCH)
            if not batch:
                return
            for document in batch:
                if (reason := await asyncio.to_thread(_document_fault, document)) is not None:
                    yield BrokenRow(table="documents", row=document.sha256, reason=reason)
            self.verified.documents += len(batch)
            self._progress(len(batch))
            after = batch[-1].sha256


def kind_of(version: ProposalVersion) -> RequestKind:
    """The model of the version's request."""
    return "create" if version.version_no == 1 else "version"


def _broken(
    evidence: Evidence, documents: Mapping[str, StoredDocument], clients: Mapping[str, str]
) -> Iterator[BrokenRow]:
    yield from broken_rows(evidence)
    proposal_id = evidence.proposal.proposal_id
    for version in evidence.versions:
        is_readable = True
        for role, address in addresses_of(version).items():
            document = documents.get(address)
            reason = MISSING if document is None else _document_fault(document, role=role)
            if reason is not None:
                is_readable = False
                yield BrokenRow(table="documents", row=address, proposal_id=proposal_id, reason=reason)
        if is_readable:
            yield from _broken_hashes(version, documents)
    first = next((version for version in evidence.versions if version.version_no == 1), None)
    if first is not None:
        yield from _broken_origin(evidence.proposal, first, documents.get(first.request_document), clients)


def _broken_hashes(version: ProposalVersion, documents: Mapping[str, StoredDocument]) -> Iterator[BrokenRow]:
    names = ["simulation_hash", "artifact_hash"]
    if version.engine_version == ENGINE_VERSION:  # each engine version has its own defaults and refusals
        names.append("request_hash")
    reasons: list[str] = []
    try:
        again = _hashes_again(version, documents, names=names)
    except UNREADABLE:
        reasons.append("has documents that no version is made of")
    else:
        reasons += [f"has another {name} than its documents" for name in names if getattr(version, name) != again[name]]
    for reason in reasons:
        yield BrokenRow(
            table="proposal_versions", row=version.proposal_version_id, proposal_id=version.proposal_id, reason=reason
        )


def _hashes_again(
    version: ProposalVersion, documents: Mapping[str, StoredDocument], *, names: Collection[str]
) -> dict[str, str]:
    """Raises one of UNREADABLE for documents that are others than the service writes."""
    texts = {role: (documents[address].plain() or b"").decode() for role, address in addresses_of(version).items()}
    made = named_hashes(texts["result"], inputs=texts["inputs"], artifact=texts["artifact"])
    again = {"simulation_hash": made.simulation, "artifact_hash": made.artifact}
    if "request_hash" in names:
        again["request_hash"] = stored_request_hash(texts["request"], kind=kind_of(version))
    return again


def _broken_origin(
    proposal: Proposal, first: ProposalVersion, document: StoredDocument | None, clients: Mapping[str, str]
) -> Iterator[BrokenRow]:
    """The proposal's own words are those of the request that made it."""
    said: dict[str, object] = {}
    if document is not None and _document_fault(document) is None:
        with suppress(*UNREADABLE):  # the version is named for it
            said |= json.loads(document.plain() or b"{}")["metadata"]
    if first.client is None and first.operation_id in clients:
        said["client"] = clients[first.operation_id]
    for column in (*METADATA, "client"):
        if column in said and getattr(proposal, column) != said[column]:
            yield BrokenRow(
                table="proposals",
                row=proposal.proposal_id,
                proposal_id=proposal.proposal_id,
                reason=f"has another {column} than the request that made it",
            )


def _document_fault(document: StoredDocument, *, role: str | None = None) -> str | None:
    plain = document.plain()
    if plain is None or sha256_of(plain) != document.sha256:
        return ALTERED
    if document.size != len(plain):
        return "has another size than its contents"
    if role is not None and document.kind != role:
        return f"is no {role}"
    return None if document.is_sealed() else "is not what its seal says"


def addresses_of(version: ProposalVersion) -> dict[str, str]:
    return {role: str(getattr(version, f"{role}_document")) for role in ROLES}


def _replaced_heads(
    evidence: Evidence, against: Mapping[str, ChainHead], seen: Mapping[str, Sequence[SeenHead]]
) -> Iterator[BrokenRow]:
    """The events that were the last of the trail when a head was exported or a checkpoint taken, and are gone."""
    proposal_id = evidence.proposal.proposal_id
    events = {event.sequence: event for event in evidence.events}
    if (exported := against.get(proposal_id)) is not None:
        yield from _replaced_head(events, exported, missing="but was exported", replaced="was exported")
    for head in seen.get(proposal_id, ()):
        by = f"checkpoint {head.checkpoint_no} saw"
        yield from _replaced_head(events, head, missing=f"but {by} it", replaced=by)


def _replaced_head(
    events: Mapping[int, WorkflowEvent], head: ChainHead, *, missing: str, replaced: str
) -> Iterator[BrokenRow]:
    event = events.get(head.event_count)
    if event is None:
        row, reason = f"number {head.event_count}", f"is missing, {missing}"
    elif event.event_hash != head.last_event_hash:
        row, reason = event.event_id, f"is not the event that {replaced}"
    else:
        return
    yield BrokenRow(table="workflow_events", row=row, proposal_id=head.proposal_id, reason=reason)


def _missing_proposal(proposal_id: str) -> BrokenRow:
    return BrokenRow(table="proposals", row=proposal_id, proposal_id=proposal_id, reason=MISSING)

"""The evidence of a version or simulation, by one engine version, whatever release each step ran on (R48).

A process makes documents with its own engine version only, so the remembered ones are of that version, too. A worker
that has not made them makes all of them again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from activities.computing import Computing
from domain.evidence import REQUEST_KINDS, SimulatedDocument, evidence_of, simulate_document
from domain.operation import RecordedEvidence
from domain.permitted import permitted
from domain.recent import Recent
from domain.timestamps import wire_timestamp
from storage.documents import Document, DocumentKind
from storage.operation_work import AcceptedWork
from storage.unit_of_work import Storage, Transaction

MAX_CHARACTERS: Final = 32_000_000  # several of the largest results

Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeResult:
    """A result ready to be stored."""

    simulated: SimulatedDocument
    document: Document


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeEvidence:
    """Evidence ready to be stored."""

    recorded: RecordedEvidence
    documents: tuple[Document, ...]


class EvidenceMaking:
    """Makes what an operation asks for, once in each worker, and stores nothing.

    Raises OperationTooExpensive and, when the operation's policy says so, SimulationDisabled.
    """

    def __init__(self, storage: Storage, computing: Computing) -> None:
        self._storage = storage
        self._computing = computing
        self._results: Recent[MadeResult] = Recent(max_size=MAX_CHARACTERS)
        self._evidence: Recent[MadeEvidence] = Recent(max_size=MAX_CHARACTERS)

    async def result(self, work: AcceptedWork) -> MadeResult:
        if (made := self._results.get(work.operation_id)) is not None:
            return made
        simulated = await self._run(simulate_document, work)
        document = await self._computing.document(DocumentKind.RESULT, simulated.text)
        made = MadeResult(simulated=simulated, document=document)
        self._results.remember(work.operation_id, made, size=len(simulated.text))
        return made

    async def evidence(self, work: AcceptedWork) -> MadeEvidence:
        """On the result that this worker has made, or on the stored one if this engine version made that."""
        if (known := self._evidence.get(work.operation_id)) is not None:
            return known
        result = self._results.get(work.operation_id)
        text = await self._stored_result(work) if result is None else result.simulated.text
        evidence = await self._run(evidence_of, work, created_at=wire_timestamp(work.created_at), result_text=text)
        simulated, built = evidence.simulated, evidence.built
        document = (
            await self._computing.document(DocumentKind.RESULT, simulated.text) if result is None else result.document
        )
        inputs = await self._computing.document(DocumentKind.INPUTS, built.inputs)
        artifact = await self._computing.document(DocumentKind.ARTIFACT, built.artifact)
        recorded = simulated.recorded(
            artifact_hash=built.artifact_hash, documents=(document.sha256, inputs.sha256, artifact.sha256)
        )
        made = MadeEvidence(recorded=recorded, documents=(document, inputs, artifact))
        self._evidence.remember(work.operation_id, made, size=sum(len(part.content) for part in made.documents))
        return made

    def forget(self, operation_id: str) -> None:
        self._results.forget(operation_id)
        self._evidence.forget(operation_id)

    async def _run(self, make: Callable[..., Made], work: AcceptedWork, **besides: str | None) -> Made:
        return await self._computing.run(
            permitted,
            work.request_text,
            work.policy,
            make,
            kind=REQUEST_KINDS[work.operation_type],
            request_hash=work.request_hash,
            correlation_id=work.correlation_id,
            idempotency_key=work.idempotency_key,
            is_large=work.is_large,
            **besides,
        )

    async def _stored_result(self, work: AcceptedWork) -> str | None:
        if (address := work.result_document) is None:
            return None
        async with self._storage.reading() as reading:
            return await reading.documents.text(address)


async def record(transaction: Transaction, work: AcceptedWork, made: MadeEvidence) -> bool:
    """Store the evidence and refer to it; False when the operation has ended. The purge removes the rest."""
    unstored = [document for document in made.documents if document.sha256 != work.result_document]
    for document in unstored:
        await transaction.documents.add(document, at=work.created_at)
    superseded = await transaction.operations.record_evidence(work.operation_id, made.recorded)
    stored = [document.sha256 for document in unstored]
    await transaction.documents.let_go(*(stored if superseded is None else superseded))
    return superseded is not None

"""The evidence of a version: result and artifact by one engine version, whatever release each step ran on (R48)."""

from dataclasses import dataclass

from activities.computing import Computing
from activities.document_texts import DocumentTexts
from domain.evidence import REQUEST_KINDS, evidence_of
from domain.operation import Operation, RecordedEvidence
from domain.timestamps import wire_timestamp
from storage.documents import Document, DocumentKind
from storage.unit_of_work import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeEvidence:
    """Evidence ready to be stored."""

    recorded: RecordedEvidence
    documents: tuple[Document, ...]


class EvidenceMaking:
    def __init__(self, texts: DocumentTexts, computing: Computing) -> None:
        self._texts = texts
        self._computing = computing

    async def make(self, operation: Operation, *, result_document: str | None) -> MadeEvidence:
        """The evidence of an operation, on its stored result if this engine version made that. Nothing is stored yet.

        Raises OperationTooExpensive.
        """
        result_text = None if result_document is None else await self._texts.read(result_document)
        evidence = await self._computing.run(
            evidence_of,
            await self._texts.read(operation.request_document),
            kind=REQUEST_KINDS[operation.operation_type],
            request_hash=operation.request_hash,
            correlation_id=operation.correlation_id,
            idempotency_key=operation.idempotency_key,
            created_at=wire_timestamp(operation.created_at),
            result_text=result_text,
            is_large=operation.is_large,
        )
        simulated, built = evidence.simulated, evidence.built
        documents = [
            await self._computing.document(DocumentKind.INPUTS, built.inputs),
            await self._computing.document(DocumentKind.ARTIFACT, built.artifact),
        ]
        if result_document is None or simulated.text != result_text:
            documents.append(await self._computing.document(DocumentKind.RESULT, simulated.text))
            result_document = documents[-1].sha256
        return MadeEvidence(
            recorded=RecordedEvidence(
                result_document=result_document,
                simulation_status=simulated.status,
                simulation_hash=simulated.simulation_hash,
                gate_decision=simulated.gate_decision,
                inputs_document=documents[0].sha256,
                artifact_document=documents[1].sha256,
                artifact_hash=built.artifact_hash,
                engine_version=simulated.engine_version,
            ),
            documents=tuple(documents),
        )


async def record(transaction: Transaction, operation: Operation, made: MadeEvidence) -> bool:
    """Store the evidence and refer to it; False when the operation has ended. What is left over goes to the purge."""
    for document in made.documents:
        await transaction.documents.add(document, at=operation.created_at)
    superseded = await transaction.operations.record_evidence(operation.operation_id, made.recorded)
    stored = [document.sha256 for document in made.documents]
    await transaction.documents.let_go(*(stored if superseded is None else superseded))
    return superseded is not None

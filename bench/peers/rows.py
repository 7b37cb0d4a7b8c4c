"""The rows of a create, as the service writes them: the same documents, the same tables, the same engine.

Both peers use this module, so that a row of the table differs from another by how the work is made durable and by
nothing else. Statements are pipelined, as the service's are: no peer waits for a round trip that the service saves.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Self

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from domain.canonical import canonical_text
from domain.creation import new_proposal
from domain.evidence import ArtifactDocuments, SimulatedDocument, artifact_documents, simulate_document
from domain.ids import new_operation_id
from domain.operation import LockedOperation, OperationStatus, OperationType, Policy
from domain.request import CreateRequest, request_document, request_hash
from domain.timestamps import wire_timestamp
from storage.documents import ENCODING, Document, DocumentKind, document_seal
from storage.rows import insert_statement
from storage.tables import metadata

CLIENT: Final = "local"
POOL_SIZE: Final = 20
Statement = tuple[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """A valid create. All of it is text, so that an engine can keep it as a workflow's input."""

    operation_id: str
    key: str
    correlation_id: str
    at: str
    text: str
    request_hash: str
    portfolio_id: str
    author: str
    metadata: str

    @classmethod
    def of(cls, body: bytes, *, key: str, at: datetime) -> Self:
        request = CreateRequest.model_validate_json(body)
        return cls(
            operation_id=new_operation_id(),
            key=key,
            correlation_id=f"corr_{uuid.uuid4().hex[:12]}",
            at=at.isoformat(),
            text=request_document(request),
            request_hash=request_hash(request),
            portfolio_id=request.simulate_request.portfolio_snapshot.portfolio_id,
            author=request.created_by,
            metadata=canonical_text(request.metadata.model_dump()),
        )

    def operation(self) -> LockedOperation:
        at = datetime.fromisoformat(self.at)
        return LockedOperation(
            operation_id=self.operation_id,
            operation_type=OperationType.CREATE_PROPOSAL,
            status=OperationStatus.PENDING,
            client=CLIENT,
            correlation_id=self.correlation_id,
            idempotency_key=self.key,
            proposal_id=None,
            created_at=at,
            attempt=1,
            request_hash=self.request_hash,
            request_document=Document.of(DocumentKind.REQUEST, self.text).sha256,
            portfolio_id=self.portfolio_id,
            created_by=self.author,
            policy=Policy().as_text(),
            is_large=False,
            updated_at=at,
            progress_at=at,
            metadata=self.metadata,
            gate_decision=None,
            locked_at=at,
        )


def simulated(accepted: Accepted) -> SimulatedDocument:
    return simulate_document(
        accepted.text,
        kind="create",
        request_hash=accepted.request_hash,
        correlation_id=accepted.correlation_id,
        idempotency_key=accepted.key,
    )


def built(accepted: Accepted, result: SimulatedDocument) -> ArtifactDocuments:
    created_at = wire_timestamp(datetime.fromisoformat(accepted.at))
    return artifact_documents(accepted.text, result.text, kind="create", created_at=created_at)


def key_row(accepted: Accepted) -> Statement:
    row = {
        "client": CLIENT,
        "scope": "proposals",
        "key": accepted.key,
        "request_hash": accepted.request_hash,
        "operation_id": accepted.operation_id,
        "attempt": 1,
        "created_at": accepted.at,
    }
    return f"{insert_statement('idempotency_keys', tuple(row))} ON CONFLICT DO NOTHING", row


def accepted_rows(accepted: Accepted) -> Iterator[Statement]:
    """The request's document and the open operation."""
    yield _document(DocumentKind.REQUEST, accepted.text, at=accepted.at)[1]
    yield _insert("operations", accepted.operation())


def finished_rows(accepted: Accepted, result: SimulatedDocument, made: ArtifactDocuments) -> Iterator[Statement]:
    """Evidence, proposal, version and event, and what the operation's row becomes with them."""
    texts = {"result": result.text, "inputs": made.inputs, "artifact": made.artifact}
    addresses: dict[str, str] = {}
    for kind, text in texts.items():
        addresses[kind], statement = _document(DocumentKind(kind), text, at=accepted.at)
        yield statement
    documents = (addresses["result"], addresses["inputs"], addresses["artifact"])
    evidence = result.recorded(artifact_hash=made.artifact_hash, documents=documents)
    created = new_proposal(accepted.operation(), evidence)
    yield _insert("proposals", created.proposal)
    yield _insert("proposal_versions", created.version)
    yield _insert("workflow_events", created.event)
    end = {
        "proposal_id": created.proposal.proposal_id,
        "version_no": created.version.version_no,
        "proposal_version_id": created.version.proposal_version_id,
        "result_document": evidence.result_document,
        "simulation_status": evidence.simulation_status,
        "simulation_hash": evidence.simulation_hash,
        "gate_decision": evidence.gate_decision,
        "inputs_document": evidence.inputs_document,
        "artifact_document": evidence.artifact_document,
        "artifact_hash": evidence.artifact_hash,
        "evidence_seal": evidence.seal,
    }
    assignments = ", ".join(f"{column} = %({column})s" for column in end)
    times = "started_at = now(), updated_at = now(), progress_at = now(), finished_at = now()"
    ended = f"UPDATE operations SET status = 'SUCCEEDED', {assignments}, {times}"  # noqa: S608 -- names of columns
    yield f"{ended} WHERE operation_id = %(operation_id)s", {**end, "operation_id": accepted.operation_id}


async def run(connection: AsyncConnection, *statements: Statement) -> None:
    """All of them in one transaction, with one wait for the server."""
    async with connection.transaction(), connection.pipeline():
        for statement, row in statements:
            await connection.execute(statement, row)


def pool_of(dsn: str) -> AsyncConnectionPool:
    return AsyncConnectionPool(dsn, min_size=4, max_size=POOL_SIZE, open=False)


def _insert(table: str, value: object) -> Statement:
    named = {field.name for field in fields(value)}
    columns = [column.name for column in metadata.tables[table].columns]
    row = {column: getattr(value, column) for column in columns if column in named}
    return insert_statement(table, tuple(row)), row


def _document(kind: DocumentKind, text: str, *, at: str) -> tuple[str, Statement]:
    document = Document.of(kind, text)
    row: dict[str, Any] = {
        "sha256": document.sha256,
        "kind": kind,
        "content": document.content,
        "encoding": ENCODING,
        "size": document.size,
        "created_at": datetime.fromisoformat(at),
    }
    row["seal"] = document_seal(**row)
    return document.sha256, (f"{insert_statement('documents', tuple(row))} ON CONFLICT (sha256) DO NOTHING", row)

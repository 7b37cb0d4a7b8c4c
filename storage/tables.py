"""The tables as SQLModel declares them: the one place where a column is named.

`alembic check` holds the migrations against it, and a test the fields that statements take their columns from
(`storage.rows`). CHECKs, triggers and storage options live in the migrations alone.
"""

from datetime import datetime
from itertools import combinations
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlmodel import Field, SQLModel

from storage.documents import REFERRERS

metadata = SQLModel.metadata

MOMENT = TIMESTAMP(timezone=True)


def _text(*constraints: Any, primary_key: bool = False, nullable: bool = False) -> Any:
    return Field(sa_column=Column(Text, *constraints, primary_key=primary_key, nullable=nullable))


def _moment(*, nullable: bool = False) -> Any:
    return Field(sa_column=Column(MOMENT, nullable=nullable))


def _document(constraint: str, *, nullable: bool = False, deferred: bool = False) -> Any:
    checked_at = "DEFERRED" if deferred else None
    reference = ForeignKey("documents.sha256", name=constraint, deferrable=deferred or None, initially=checked_at)
    return _text(reference, nullable=nullable)


def _document_indexes(table: str) -> list[Index]:
    """The deletion of a document asks every column that could refer to it."""
    return [Index(f"{table}_{role}_document", f"{role}_document") for role in REFERRERS[table]]


NEWEST_OPERATION = (text("created_at DESC"), text("operation_id DESC"))


class DocumentRow(SQLModel, table=True):
    __tablename__ = "documents"

    sha256: str = _text(primary_key=True)
    kind: str = _text()
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    encoding: str = _text()
    size: int
    created_at: datetime = _moment()
    seal: str = _text()


class ProposalRow(SQLModel, table=True):
    __tablename__ = "proposals"
    __table_args__ = tuple(
        Index(
            "_".join(("proposals_list", *filters)),
            "client",
            *filters,
            text("created_at DESC"),
            text("proposal_id DESC"),
        )
        for count in range(4)
        for filters in combinations(("portfolio_id", "current_state", "created_by"), count)
    ) + tuple(
        Index(
            "_".join(("proposals_waiting", *filters)),
            *("client", *filters, "current_state", "last_event_at", "proposal_id"),
        )
        for count in range(3)
        for filters in combinations(("portfolio_id", "created_by"), count)
    )

    proposal_id: str = _text(primary_key=True)
    client: str = _text()
    portfolio_id: str = _text()
    mandate_id: str | None = _text(nullable=True)
    jurisdiction: str | None = _text(nullable=True)
    title: str | None = _text(nullable=True)
    advisor_notes: str | None = _text(nullable=True)
    created_by: str = _text()
    created_at: datetime = _moment()
    current_state: str = _text()
    current_version_no: int
    last_event_at: datetime = _moment()
    event_count: int
    last_event_hash: str = _text()


class ProposalVersionRow(SQLModel, table=True):
    __tablename__ = "proposal_versions"
    __table_args__ = (
        UniqueConstraint("proposal_id", "version_no", name="proposal_versions_number"),
        UniqueConstraint("operation_id", name="proposal_versions_operation"),
        *_document_indexes("proposal_versions"),
    )

    proposal_version_id: str = _text(primary_key=True)
    proposal_id: str = _text(ForeignKey("proposals.proposal_id", name="proposal_versions_proposal"))
    client: str | None = _text(nullable=True)
    version_no: int
    operation_id: str = _text()
    portfolio_id: str = _text()
    created_by: str = _text()
    created_at: datetime = _moment()
    request_hash: str = _text()
    simulation_hash: str = _text()
    artifact_hash: str = _text()
    status_at_creation: str = _text()
    gate_decision: str | None = _text(nullable=True)
    evidence_stored: bool
    engine_version: str = _text()
    request_document: str = _document("proposal_versions_request")
    result_document: str = _document("proposal_versions_result")
    inputs_document: str = _document("proposal_versions_inputs")
    artifact_document: str = _document("proposal_versions_artifact")


class WorkflowEventRow(SQLModel, table=True):
    __tablename__ = "workflow_events"
    __table_args__ = (
        UniqueConstraint("proposal_id", "sequence", name="workflow_events_sequence"),
        Index(
            "workflow_events_of_states",
            "proposal_id",
            text("sequence DESC"),
            postgresql_where=text("from_state IS DISTINCT FROM to_state"),
        ),
    )

    event_id: str = _text(primary_key=True)
    proposal_id: str = _text(ForeignKey("proposals.proposal_id", name="workflow_events_proposal"))
    sequence: int
    event_type: str = _text()
    from_state: str | None = _text(nullable=True)
    to_state: str = _text()
    actor_id: str = _text()
    occurred_at: datetime = _moment()
    reason: str = _text()
    related_version_no: int | None
    subject_hash: str | None = _text(nullable=True)
    previous_event_hash: str = _text()
    event_hash: str = _text()


class ApprovalRow(SQLModel, table=True):
    __tablename__ = "approvals"
    __table_args__ = (
        UniqueConstraint("event_id", name="approvals_one_per_event"),
        Index("approvals_by_proposal", "proposal_id", "occurred_at"),
    )

    approval_id: str = _text(primary_key=True)
    proposal_id: str = _text(ForeignKey("proposals.proposal_id", name="approvals_proposal"))
    event_id: str = _text(ForeignKey("workflow_events.event_id", name="approvals_event"))
    approval_type: str = _text()
    approved: bool
    actor_id: str = _text()
    occurred_at: datetime = _moment()
    details: str = _text()
    related_version_no: int | None


class ReviewKeyRow(SQLModel, table=True):
    __tablename__ = "review_keys"
    __table_args__ = (Index("review_keys_by_age", "created_at"),)

    client: str = _text(primary_key=True)
    scope: str = _text(primary_key=True)
    key: str = _text(primary_key=True)
    request_hash: str = _text()
    event_id: str = _text(ForeignKey("workflow_events.event_id", name="review_keys_event"))
    created_at: datetime = _moment()


class OperationRow(SQLModel, table=True):
    __tablename__ = "operations"
    __table_args__ = (
        Index("operations_by_correlation", "correlation_id", text("created_at DESC"), text("operation_id DESC")),
        Index(
            "operations_to_start_by_client",
            "client",
            "is_large",
            "created_at",
            postgresql_where=text("status = 'PENDING' AND started_workflow_at IS NULL"),
        ),
        Index("operations_to_reconcile", "progress_at", postgresql_where=text("status IN ('PENDING', 'RUNNING')")),
        Index(
            "operations_started",
            "operation_id",
            postgresql_where=text("status IN ('PENDING', 'RUNNING') AND started_workflow_at IS NOT NULL"),
        ),
        Index("operations_list", "client", "operation_type", "status", *NEWEST_OPERATION),
        Index("operations_list_by_author", "client", "created_by", "operation_type", "status", *NEWEST_OPERATION),
        Index(
            "operations_by_proposal",
            "proposal_id",
            *NEWEST_OPERATION,
            postgresql_where=text("proposal_id IS NOT NULL"),
        ),
        Index("operations_to_purge", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
        Index(
            "operations_open_batches",
            "progress_at",
            postgresql_where=text("status IN ('PENDING', 'RUNNING') AND operation_type = 'ANALYZE_SCENARIOS'"),
        ),
        Index(
            "operations_batches_to_purge",
            "finished_at",
            postgresql_where=text("finished_at IS NOT NULL AND operation_type = 'ANALYZE_SCENARIOS'"),
        ),
        Index("operations_workflows_to_cancel", "updated_at", postgresql_where=text("workflow_to_cancel")),
        *_document_indexes("operations"),
    )

    operation_id: str = _text(primary_key=True)
    operation_type: str = _text()
    status: str = _text()
    client: str = _text()
    idempotency_key: str | None = _text(nullable=True)
    attempt: int
    correlation_id: str = _text()
    request_hash: str = _text()
    request_document: str = _document("operations_request")
    portfolio_id: str | None = _text(nullable=True)
    created_by: str = _text()
    metadata_: str = Field(sa_column=Column("metadata", Text, nullable=False))  # SQLModel keeps the plain name
    policy: str = _text()
    is_large: bool
    callback_url: str | None = _text(nullable=True)
    callback_headers: str | None = _text(nullable=True)
    proposal_id: str | None = _text(nullable=True)
    version_no: int | None
    proposal_version_id: str | None = _text(
        ForeignKey("proposal_versions.proposal_version_id", name="operations_version"), nullable=True
    )
    error_code: str | None = _text(nullable=True)
    error_message: str | None = _text(nullable=True)
    result_document: str | None = _document("operations_result", nullable=True)
    simulation_status: str | None = _text(nullable=True)
    simulation_hash: str | None = _text(nullable=True)
    gate_decision: str | None = _text(nullable=True)
    inputs_document: str | None = _document("operations_inputs", nullable=True)
    artifact_document: str | None = _document("operations_artifact", nullable=True)
    artifact_hash: str | None = _text(nullable=True)
    evidence_seal: str | None = _text(nullable=True)
    created_at: datetime = _moment()
    updated_at: datetime = _moment()
    started_at: datetime | None = _moment(nullable=True)
    finished_at: datetime | None = _moment(nullable=True)
    progress_at: datetime = _moment()
    start_claimed_at: datetime | None = _moment(nullable=True)
    started_workflow_at: datetime | None = _moment(nullable=True)
    expected_version_no: int | None
    workflow_restarts: int = Field(sa_column_kwargs={"server_default": "0"})
    successor_id: str | None = _text(nullable=True)
    workflow_to_cancel: bool = Field(sa_column_kwargs={"server_default": "false"})
    cancelled_by: str | None = _text(nullable=True)
    retried_by: str | None = _text(nullable=True)
    scenario_count: int | None
    chunk_count: int | None
    runs_total: int | None
    runs_succeeded: int | None
    runs_failed: int | None


class BatchChunkRow(SQLModel, table=True):
    __tablename__ = "batch_chunks"
    __table_args__ = tuple(_document_indexes("batch_chunks"))

    operation_id: str = _text(ForeignKey("operations.operation_id", name="batch_chunks_operation"), primary_key=True)
    chunk_no: int = Field(primary_key=True)
    first_run: int
    runs: int
    request_document: str = _document("batch_chunks_request")
    result_document: str | None = _document("batch_chunks_result", nullable=True)
    summaries: str | None = _text(nullable=True)
    succeeded: int | None
    failed: int | None
    engine_version: str | None = _text(nullable=True)
    done_at: datetime | None = _moment(nullable=True)


class OperationCorrelationIdRow(SQLModel, table=True):
    __tablename__ = "operation_correlation_ids"
    __table_args__ = (
        Index(
            "operation_correlation_ids_newest",
            "client",
            "correlation_id",
            text("operation_created_at DESC"),
            text("operation_id DESC"),
        ),
        Index("operation_correlation_ids_by_age", "operation_created_at"),
    )

    operation_id: str = _text(primary_key=True)
    correlation_id: str = _text(primary_key=True)
    client: str = _text()
    operation_created_at: datetime = _moment()
    answered_at: datetime = _moment()


class IdempotencyKeyRow(SQLModel, table=True):
    __tablename__ = "idempotency_keys"
    __table_args__ = (
        Index("idempotency_keys_by_operation", "operation_id"),
        Index("idempotency_keys_by_age", "created_at"),
    )

    client: str = _text(primary_key=True)
    scope: str = _text(primary_key=True)
    key: str = _text(primary_key=True)
    request_hash: str = _text()
    operation_id: str = _text()
    attempt: int
    created_at: datetime = _moment()


class SimulationRow(SQLModel, table=True):
    __tablename__ = "simulations"
    __table_args__ = (
        Index("simulations_by_age", "created_at"),
        *_document_indexes("simulations"),
    )

    client: str = _text(primary_key=True)
    key: str = _text(primary_key=True)
    request_hash: str = _text()
    correlation_id: str | None = _text(nullable=True)
    result_document: str | None = _document("simulations_result", nullable=True, deferred=True)
    inputs_document: str | None = _document("simulations_inputs", nullable=True, deferred=True)
    artifact_document: str | None = _document("simulations_artifact", nullable=True, deferred=True)
    created_at: datetime = _moment()
    operation_id: str | None = _text(nullable=True)
    attempt: int = Field(1, sa_column_kwargs={"server_default": text("1")})


class CallbackDeliveryRow(SQLModel, table=True):
    __tablename__ = "callback_deliveries"
    __table_args__ = (
        Index(
            "callback_deliveries_to_start",
            "created_at",
            postgresql_where=text("status = 'PENDING' AND started_workflow_at IS NULL"),
        ),
        Index("callback_deliveries_to_reconcile", "due_at", postgresql_where=text("status = 'PENDING'")),
    )

    operation_id: str = _text(
        ForeignKey("operations.operation_id", name="callback_deliveries_operation", ondelete="CASCADE"),
        primary_key=True,
    )
    status: str = _text()
    created_at: datetime = _moment()
    started_workflow_at: datetime | None = _moment(nullable=True)
    finished_at: datetime | None = _moment(nullable=True)
    due_at: datetime = Field(sa_column=Column(MOMENT, nullable=False, server_default=text("now()")))
    start_claimed_at: datetime | None = _moment(nullable=True)
    redelivered_at: datetime | None = _moment(nullable=True)
    attempts_before: int = Field(0, sa_column_kwargs={"server_default": text("0")})
    checked_at: datetime | None = _moment(nullable=True)
    redelivered_by: str | None = _text(nullable=True)


class StartTurnRow(SQLModel, table=True):
    __tablename__ = "start_turns"

    client: str = _text(primary_key=True)
    had_turn_at: datetime = _moment()


class CallbackAttemptRow(SQLModel, table=True):
    __tablename__ = "callback_attempts"

    operation_id: str = _text(
        ForeignKey("callback_deliveries.operation_id", name="callback_attempts_delivery", ondelete="CASCADE"),
        primary_key=True,
    )
    attempt_no: int = Field(primary_key=True)
    attempted_at: datetime = _moment()
    duration_ms: int
    status_code: int | None
    error_class: str | None = _text(nullable=True)


class ExpiredOperationRow(SQLModel, table=True):
    __tablename__ = "expired_operations"
    __table_args__ = (
        Index("expired_operations_by_correlation", "correlation_id", text("created_at DESC")),
        Index("expired_operations_by_expiry", "expired_at"),
    )

    operation_id: str = _text(primary_key=True)
    operation_type: str = _text()
    status: str = _text()
    client: str = _text()
    error_code: str | None = _text(nullable=True)
    correlation_id: str = _text()
    idempotency_key: str | None = _text(nullable=True)
    proposal_id: str | None = _text(nullable=True)
    version_no: int | None
    created_at: datetime = _moment()
    finished_at: datetime = _moment()
    expired_at: datetime = _moment()
    runs_total: int | None
    runs_succeeded: int | None
    runs_failed: int | None


class EvidenceCheckpointRow(SQLModel, table=True):
    __tablename__ = "evidence_checkpoints"

    checkpoint_no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    taken_at: datetime = _moment()
    proposals: int
    root: str = _text()
    changed: int
    changed_root: str = _text()
    previous_hash: str = _text()
    public_key: str = _text()
    signature: str = _text()


class CheckpointHeadRow(SQLModel, table=True):
    __tablename__ = "checkpoint_heads"
    __table_args__ = (Index("checkpoint_heads_by_proposal", "proposal_id", text("checkpoint_no DESC")),)

    checkpoint_no: int = Field(primary_key=True)
    proposal_id: str = _text(primary_key=True)
    event_count: int
    last_event_hash: str = _text()


class DocumentToPurgeRow(SQLModel, table=True):
    __tablename__ = "documents_to_purge"

    sha256: str = _text(primary_key=True)

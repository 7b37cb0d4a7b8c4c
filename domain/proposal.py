"""The proposal, its immutable versions, and the events that they make."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ProposalState(StrEnum):
    DRAFT = "DRAFT"
    RISK_REVIEW = "RISK_REVIEW"
    COMPLIANCE_REVIEW = "COMPLIANCE_REVIEW"
    AWAITING_CLIENT_CONSENT = "AWAITING_CLIENT_CONSENT"
    EXECUTION_READY = "EXECUTION_READY"
    EXECUTED = "EXECUTED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class EventType(StrEnum):
    CREATED = "CREATED"
    SUBMITTED_FOR_RISK_REVIEW = "SUBMITTED_FOR_RISK_REVIEW"
    SUBMITTED_FOR_COMPLIANCE_REVIEW = "SUBMITTED_FOR_COMPLIANCE_REVIEW"
    RISK_APPROVED = "RISK_APPROVED"
    COMPLIANCE_APPROVED = "COMPLIANCE_APPROVED"
    CLIENT_CONSENT_RECORDED = "CLIENT_CONSENT_RECORDED"
    REJECTED = "REJECTED"
    EXECUTION_REQUESTED = "EXECUTION_REQUESTED"
    EXECUTED = "EXECUTED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    NEW_VERSION_CREATED = "NEW_VERSION_CREATED"


class ApprovalType(StrEnum):
    RISK = "RISK"
    COMPLIANCE = "COMPLIANCE"
    CLIENT_CONSENT = "CLIENT_CONSENT"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """The business record; `event_count` and `last_event_hash` pin the tail of its audit trail."""

    proposal_id: str
    client: str
    portfolio_id: str
    mandate_id: str | None
    jurisdiction: str | None
    title: str | None
    advisor_notes: str | None
    created_by: str
    created_at: datetime
    current_state: ProposalState
    current_version_no: int
    last_event_at: datetime
    event_count: int
    last_event_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposalVersion:
    """Immutable contents of a proposal; the `*_document` fields are addresses of stored documents.

    `client` is the calling client; None in rows of before it was evidence (docs/adr/0019-the-client-is-evidence.md).
    """

    proposal_version_id: str
    proposal_id: str
    client: str | None
    version_no: int
    operation_id: str
    portfolio_id: str
    created_by: str
    created_at: datetime
    request_hash: str
    simulation_hash: str
    artifact_hash: str
    status_at_creation: str
    gate_decision: str | None
    evidence_stored: bool
    engine_version: str
    request_document: str
    result_document: str
    inputs_document: str
    artifact_document: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Occurrence:
    """A change of a proposal that has no place in the trail yet.

    `reason` is canonical JSON text, `subject_hash` that of the row that the change makes, if any.
    """

    event_id: str
    event_type: EventType
    to_state: ProposalState
    actor_id: str
    occurred_at: datetime
    reason: str
    related_version_no: int | None
    subject_hash: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowEvent(Occurrence):
    """One link of a proposal's append-only audit trail (`domain.audit`)."""

    proposal_id: str
    sequence: int
    from_state: ProposalState | None
    previous_event_hash: str
    event_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """A recorded review or consent decision, made by the event of this id; `details` is canonical JSON text."""

    approval_id: str
    proposal_id: str
    event_id: str
    approval_type: ApprovalType
    approved: bool
    actor_id: str
    occurred_at: datetime
    details: str
    related_version_no: int | None

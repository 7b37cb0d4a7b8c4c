"""The rows that a successful operation adds: a proposal or its next version, and the event that records it."""

import json
from dataclasses import dataclass, replace

from domain.audit import created_event, next_event, reason_of_creation, subject_hash
from domain.errors import InvariantBroken, PortfolioContextMismatch, ProposalTerminal, VersionConflict
from domain.ids import derived_id
from domain.lifecycle import TERMINAL_STATES, with_event
from domain.operation import Operation, Policy, RecordedEvidence, WholeOperation
from domain.proposal import EventType, Occurrence, Proposal, ProposalState, ProposalVersion, WorkflowEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class Created:
    """The proposal after the change, its newest version, and the event that made it."""

    proposal: Proposal
    version: ProposalVersion
    event: WorkflowEvent


def new_proposal(operation: WholeOperation, evidence: RecordedEvidence) -> Created:
    """A proposal with its first version. Ids and time are the operation's, so that a repeat makes the same rows."""
    version = _version(operation, evidence, proposal_id=operation.made_proposal_id, version_no=1)
    event = created_event(
        version, event_id=derived_id("pwe", operation.operation_id), correlation_id=operation.correlation_id
    )
    given = json.loads(operation.metadata)
    proposal = Proposal(
        proposal_id=version.proposal_id,
        client=operation.client,
        portfolio_id=version.portfolio_id,
        mandate_id=given["mandate_id"],
        jurisdiction=given["jurisdiction"],
        title=given["title"],
        advisor_notes=given["advisor_notes"],
        created_by=operation.created_by,
        created_at=operation.created_at,
        current_state=ProposalState.DRAFT,
        current_version_no=version.version_no,
        last_event_at=event.occurred_at,
        event_count=event.sequence,
        last_event_hash=event.event_hash,
    )
    return Created(proposal=proposal, version=version, event=event)


def new_version(proposal: Proposal, operation: Operation, evidence: RecordedEvidence) -> Created:
    """The next version of a locked proposal.

    Raises, in this order: VersionConflict, ProposalTerminal, PortfolioContextMismatch. Under strict version binding
    the review begins again, because earlier approvals were of another version.
    """
    policy = Policy.from_text(operation.policy)
    if operation.expected_version_no not in (None, proposal.current_version_no):
        raise VersionConflict
    if proposal.current_state in TERMINAL_STATES:
        raise ProposalTerminal
    if operation.portfolio_id != proposal.portfolio_id and not policy.allow_portfolio_change_on_new_version:
        raise PortfolioContextMismatch
    version_no = proposal.current_version_no + 1
    version = _version(operation, evidence, proposal_id=proposal.proposal_id, version_no=version_no)
    event = next_event(
        proposal,
        Occurrence(
            event_id=derived_id("pwe", operation.operation_id),
            event_type=EventType.NEW_VERSION_CREATED,
            to_state=ProposalState.DRAFT if policy.strict_version_binding else proposal.current_state,
            actor_id=operation.created_by,
            # Other events may have been added while the version was computed.
            occurred_at=max(operation.created_at, proposal.last_event_at),
            reason=reason_of_creation(operation.correlation_id),
            related_version_no=version.version_no,
            subject_hash=subject_hash(version),
        ),
    )
    after = replace(
        with_event(proposal, event), current_version_no=version.version_no, portfolio_id=version.portfolio_id
    )
    return Created(proposal=after, version=version, event=event)


def _version(operation: Operation, evidence: RecordedEvidence, *, proposal_id: str, version_no: int) -> ProposalVersion:
    if operation.portfolio_id is None:
        raise InvariantBroken("an operation that makes a version has no portfolio")
    return ProposalVersion(
        proposal_version_id=derived_id("ppv", operation.operation_id),
        proposal_id=proposal_id,
        client=operation.client,
        version_no=version_no,
        operation_id=operation.operation_id,
        portfolio_id=operation.portfolio_id,
        created_by=operation.created_by,
        created_at=operation.created_at,
        request_hash=operation.request_hash,
        simulation_hash=evidence.simulation_hash,
        artifact_hash=evidence.artifact_hash,
        status_at_creation=evidence.simulation_status,
        gate_decision=evidence.gate_decision,
        evidence_stored=Policy.from_text(operation.policy).store_evidence_bundle,
        engine_version=evidence.engine_version,
        request_document=operation.request_document,
        result_document=evidence.result_document,
        inputs_document=evidence.inputs_document,
        artifact_document=evidence.artifact_document,
    )

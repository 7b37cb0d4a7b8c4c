"""What a finished operation makes: a proposal or its next version, and the event that records it."""

import json
from dataclasses import dataclass, replace
from datetime import datetime

from domain.audit import Occurrence, created_event, next_event, subject_hash
from domain.errors import PortfolioContextMismatch, ProposalTerminal, VersionConflict
from domain.ids import derived_id
from domain.lifecycle import TERMINAL_STATES, followed_by
from domain.operation import Policy
from domain.proposal import EventType, Proposal, ProposalState, ProposalVersion, WorkflowEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionEvidence:
    """Hashes and document addresses that the steps before the commit have left."""

    request_hash: str
    simulation_hash: str
    artifact_hash: str
    status: str
    gate_decision: str | None
    evidence_stored: bool
    engine_version: str
    request_document: str
    result_document: str
    inputs_document: str
    artifact_document: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionOrder:
    """The operation behind a version: ids and time come from it, so that a repeat makes the same rows."""

    operation_id: str
    client: str
    portfolio_id: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Created:
    """The proposal as it is with its newest version, that version, and the event that made it."""

    proposal: Proposal
    version: ProposalVersion
    event: WorkflowEvent


def new_proposal(order: VersionOrder, evidence: VersionEvidence, *, metadata: str) -> Created:
    """A proposal with its first version; `metadata` is the request's, as JSON text."""
    version = _version(order, evidence, proposal_id=derived_id("pp", order.operation_id), version_no=1)
    event = created_event(version, event_id=derived_id("pwe", order.operation_id))
    given = json.loads(metadata)
    proposal = Proposal(
        proposal_id=version.proposal_id,
        client=order.client,
        portfolio_id=order.portfolio_id,
        mandate_id=given["mandate_id"],
        jurisdiction=given["jurisdiction"],
        title=given["title"],
        advisor_notes=given["advisor_notes"],
        created_by=order.created_by,
        created_at=order.created_at,
        current_state=ProposalState.DRAFT,
        current_version_no=version.version_no,
        last_event_at=event.occurred_at,
        event_count=event.sequence,
        last_event_hash=event.event_hash,
    )
    return Created(proposal=proposal, version=version, event=event)


def new_version(
    proposal: Proposal,
    order: VersionOrder,
    evidence: VersionEvidence,
    *,
    expected_version_no: int | None,
    policy: Policy,
) -> Created:
    """The next version of a locked proposal.

    Raises, in this order: VersionConflict, ProposalTerminal, PortfolioContextMismatch. Under strict version binding
    the review begins anew: what was approved was another version.
    """
    if expected_version_no is not None and expected_version_no != proposal.current_version_no:
        raise VersionConflict
    if proposal.current_state in TERMINAL_STATES:
        raise ProposalTerminal
    if order.portfolio_id != proposal.portfolio_id and not policy.allow_portfolio_change_on_new_version:
        raise PortfolioContextMismatch
    version = _version(order, evidence, proposal_id=proposal.proposal_id, version_no=proposal.current_version_no + 1)
    event = next_event(
        proposal,
        Occurrence(
            event_id=derived_id("pwe", order.operation_id),
            event_type=EventType.NEW_VERSION_CREATED,
            to_state=ProposalState.DRAFT if policy.strict_version_binding else proposal.current_state,
            actor_id=order.created_by,
            # Other events may have come while the version was computed.
            occurred_at=max(order.created_at, proposal.last_event_at),
            reason="{}",
            related_version_no=version.version_no,
            subject_hash=subject_hash(version),
        ),
    )
    after = replace(
        followed_by(proposal, event), current_version_no=version.version_no, portfolio_id=order.portfolio_id
    )
    return Created(proposal=after, version=version, event=event)


def _version(order: VersionOrder, evidence: VersionEvidence, *, proposal_id: str, version_no: int) -> ProposalVersion:
    return ProposalVersion(
        proposal_version_id=derived_id("ppv", order.operation_id),
        proposal_id=proposal_id,
        client=order.client,
        version_no=version_no,
        operation_id=order.operation_id,
        portfolio_id=order.portfolio_id,
        created_by=order.created_by,
        created_at=order.created_at,
        request_hash=evidence.request_hash,
        simulation_hash=evidence.simulation_hash,
        artifact_hash=evidence.artifact_hash,
        status_at_creation=evidence.status,
        gate_decision=evidence.gate_decision,
        evidence_stored=evidence.evidence_stored,
        engine_version=evidence.engine_version,
        request_document=evidence.request_document,
        result_document=evidence.result_document,
        inputs_document=evidence.inputs_document,
        artifact_document=evidence.artifact_document,
    )

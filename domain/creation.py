"""What a finished create operation makes: the proposal, its first version and the event that begins its trail."""

import json
from dataclasses import dataclass
from datetime import datetime

from domain.audit import created_event
from domain.ids import derived_id
from domain.proposal import Proposal, ProposalState, ProposalVersion, WorkflowEvent


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
class NewProposal:
    proposal: Proposal
    version: ProposalVersion
    event: WorkflowEvent


def new_proposal(
    evidence: VersionEvidence,
    *,
    operation_id: str,
    client: str,
    portfolio_id: str,
    created_by: str,
    created_at: datetime,
    metadata: str,
) -> NewProposal:
    """The three rows; ids and time come from the operation's, so that a repeat makes the same rows."""
    version = ProposalVersion(
        proposal_version_id=derived_id("ppv", operation_id),
        proposal_id=derived_id("pp", operation_id),
        version_no=1,
        operation_id=operation_id,
        portfolio_id=portfolio_id,
        created_by=created_by,
        created_at=created_at,
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
    event = created_event(version, event_id=derived_id("pwe", operation_id))
    given = json.loads(metadata)
    proposal = Proposal(
        proposal_id=version.proposal_id,
        client=client,
        portfolio_id=portfolio_id,
        mandate_id=given["mandate_id"],
        jurisdiction=given["jurisdiction"],
        title=given["title"],
        advisor_notes=given["advisor_notes"],
        created_by=created_by,
        created_at=created_at,
        current_state=ProposalState.DRAFT,
        current_version_no=version.version_no,
        last_event_at=event.occurred_at,
        event_count=event.sequence,
        last_event_hash=event.event_hash,
    )
    return NewProposal(proposal=proposal, version=version, event=event)

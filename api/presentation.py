"""Proposals in the shapes of the contract, key order included; stored documents go in as they are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from api.json_text import StoredJson
from domain.evidence import artifact_parts, bundle_parts
from domain.proposal import Approval, Proposal, WorkflowEvent
from domain.timestamps import wire_timestamp
from services.lifecycle import Recorded
from services.lookup import CreatedVersion
from services.proposal_reads import Lineage, ProposalDetail, Trail
from services.version_texts import VersionTexts
from storage.idempotency import KeyedProposal
from storage.keyset import Page

PREFIX = "/rebalance/proposals"


def proposal_detail(detail: ProposalDetail, *, include_evidence: bool) -> dict[str, Any]:
    version = version_detail(detail.current_version, include_evidence=include_evidence)
    return {
        "proposal": proposal_summary(detail.proposal),
        "current_version": version,
        "last_gate_decision": version["gate_decision"],
    }


def proposal_summary(proposal: Proposal) -> dict[str, Any]:
    return {
        "proposal_id": proposal.proposal_id,
        "portfolio_id": proposal.portfolio_id,
        "mandate_id": proposal.mandate_id,
        "jurisdiction": proposal.jurisdiction,
        "created_by": proposal.created_by,
        "created_at": wire_timestamp(proposal.created_at),
        "last_event_at": wire_timestamp(proposal.last_event_at),
        "current_state": proposal.current_state,
        "current_version_no": proposal.current_version_no,
        "title": proposal.title,
    }


def version_detail(texts: VersionTexts, *, include_evidence: bool) -> dict[str, Any]:
    version = texts.version
    shows_bundle = include_evidence and version.evidence_stored
    bundle = bundle_parts(texts.artifact, inputs=texts.inputs, result=texts.result) if shows_bundle else ("{}",)
    return {
        "proposal_version_id": version.proposal_version_id,
        "proposal_id": version.proposal_id,
        "version_no": version.version_no,
        "created_at": wire_timestamp(version.created_at),
        "request_hash": version.request_hash,
        "artifact_hash": version.artifact_hash,
        "simulation_hash": version.simulation_hash,
        "status_at_creation": version.status_at_creation,
        "proposal_result": StoredJson(texts.result),
        "artifact": StoredJson(*artifact_parts(texts.artifact, inputs=texts.inputs, result=texts.result)),
        "evidence_bundle": StoredJson(*bundle),
        "gate_decision": None if version.gate_decision is None else StoredJson(version.gate_decision),
    }


def workflow_event(event: WorkflowEvent) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "proposal_id": event.proposal_id,
        "event_type": event.event_type,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "actor_id": event.actor_id,
        "occurred_at": wire_timestamp(event.occurred_at),
        "reason": StoredJson(event.reason),
        "related_version_no": event.related_version_no,
        "sequence": event.sequence,
        "previous_event_hash": event.previous_event_hash,
        "event_hash": event.event_hash,
    }


def as_created(created: CreatedVersion) -> dict[str, Any]:
    """The proposal as its operation left it, whatever happened to it since."""
    summary = proposal_summary(created.proposal)
    summary["portfolio_id"] = created.version.version.portfolio_id
    summary["last_event_at"] = wire_timestamp(created.event.occurred_at)
    summary["current_state"] = created.event.to_state
    summary["current_version_no"] = created.version.version.version_no
    return _create_response(summary, created)


def at_present(created: CreatedVersion) -> dict[str, Any]:
    """The version that was made, with the proposal and its latest event as they are now."""
    return _create_response(proposal_summary(created.proposal), created)


def _create_response(summary: dict[str, Any], created: CreatedVersion) -> dict[str, Any]:
    return {
        "proposal": summary,
        "version": version_detail(created.version, include_evidence=True),
        "latest_workflow_event": workflow_event(created.event),
    }


def proposal_page(page: Page[Proposal]) -> dict[str, Any]:
    return {"items": [proposal_summary(proposal) for proposal in page.items], "next_cursor": page.next_cursor}


def approval_record(approval: Approval) -> dict[str, Any]:
    return {
        "approval_id": approval.approval_id,
        "proposal_id": approval.proposal_id,
        "approval_type": approval.approval_type,
        "approved": approval.approved,
        "actor_id": approval.actor_id,
        "occurred_at": wire_timestamp(approval.occurred_at),
        "details": StoredJson(approval.details),
        "related_version_no": approval.related_version_no,
    }


def transition(recorded: Recorded, *, with_approval: bool) -> dict[str, Any]:
    shown = recorded.approval if with_approval else None
    return {
        "proposal_id": recorded.event.proposal_id,
        "current_state": recorded.event.to_state,
        "latest_workflow_event": workflow_event(recorded.event),
        "approval": None if shown is None else approval_record(shown),
    }


def approvals(proposal_id: str, recorded: Sequence[Approval]) -> dict[str, Any]:
    return {"proposal_id": proposal_id, "approvals": [approval_record(approval) for approval in recorded]}


def trail(read: Trail) -> dict[str, Any]:
    return {
        "proposal_id": read.proposal.proposal_id,
        "current_state": read.proposal.current_state,
        "events": [workflow_event(event) for event in read.events],
    }


def lineage(read: Lineage) -> dict[str, Any]:
    return {
        "proposal": proposal_summary(read.proposal),
        "versions": [
            {
                "proposal_version_id": version.proposal_version_id,
                "version_no": version.version_no,
                "created_at": wire_timestamp(version.created_at),
                "status_at_creation": version.status_at_creation,
                "request_hash": version.request_hash,
                "simulation_hash": version.simulation_hash,
                "artifact_hash": version.artifact_hash,
            }
            for version in read.versions
        ],
    }


def keyed_proposal(keyed: KeyedProposal) -> dict[str, Any]:
    return {
        "idempotency_key": keyed.key,
        "request_hash": keyed.request_hash,
        "proposal_id": keyed.proposal_id,
        "proposal_version_no": keyed.version_no,
        "created_at": wire_timestamp(keyed.created_at),
    }


def optional_timestamp(moment: datetime | None) -> str | None:
    return None if moment is None else wire_timestamp(moment)

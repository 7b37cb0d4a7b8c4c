"""Domain values in the shapes of the contract, key order included; stored documents go in as they are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from api.json_text import StoredJson, json_text
from domain.evidence import evidence_bundle, whole_artifact
from domain.operation import Operation
from domain.proposal import Proposal, WorkflowEvent
from domain.timestamps import wire_timestamp
from services.lookup import CreatedProposal, ProposalDetail, VersionTexts

PREFIX = "/rebalance/proposals"


def operation_path(operation_id: str) -> str:
    return f"{PREFIX}/operations/{operation_id}"


def accepted(operation: Operation) -> dict[str, Any]:
    return {
        "operation_id": operation.operation_id,
        "operation_type": operation.operation_type,
        "status": operation.status,
        "correlation_id": operation.correlation_id,
        "created_at": wire_timestamp(operation.created_at),
        "status_url": operation_path(operation.operation_id),
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationPresenter:
    """Operations as AsyncStatus; `retention` is how long an ended one is kept."""

    retention: timedelta
    temporal_ui_url: str | None
    temporal_namespace: str

    def status(self, operation: Operation) -> dict[str, Any]:
        """Everything of the answer that needs no document; `result` is added by `with_result`."""
        failure = operation.failure
        return {
            "operation_id": operation.operation_id,
            "operation_type": operation.operation_type,
            "status": operation.status,
            "correlation_id": operation.correlation_id,
            "idempotency_key": operation.idempotency_key,
            "attempt": operation.attempt,
            "proposal_id": operation.proposal_id,
            "version_no": operation.version_no,
            "created_by": operation.created_by,
            "created_at": wire_timestamp(operation.created_at),
            "started_at": _optional(operation.started_at),
            "finished_at": _optional(operation.finished_at),
            "updated_at": wire_timestamp(operation.updated_at),
            "expires_at": _optional(operation.expires_at(self.retention)),
            "error": None if failure is None else {"code": failure.code, "message": failure.message},
            "links": {
                "self": operation_path(operation.operation_id),
                "proposal": None if operation.proposal_id is None else f"{PREFIX}/{operation.proposal_id}",
                "temporal_ui": self._temporal_ui(operation.operation_id),
            },
        }

    def _temporal_ui(self, operation_id: str) -> str | None:
        if self.temporal_ui_url is None:
            return None
        return f"{self.temporal_ui_url.rstrip('/')}/namespaces/{self.temporal_namespace}/workflows/{operation_id}"


def with_result(status: dict[str, Any], created: CreatedProposal | None) -> dict[str, Any]:
    """The status with its `result` where the contract has it, before `error`."""
    result = None if created is None else _as_created(created)
    placed: dict[str, Any] = {}
    for name, value in status.items():
        if name == "error":
            placed["result"] = result
        placed[name] = value
    return placed


def entity_tag(status: dict[str, Any], *, has_result: bool) -> str:
    """A strong tag: everything that the bytes of the answer depend on, read without a document."""
    digest = sha256(f"{has_result}{json_text(status)}".encode()).hexdigest()
    return f'"{digest[:32]}"'


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
    bundle = evidence_bundle(texts.artifact, inputs=texts.inputs, result=texts.result) if shows_bundle else "{}"
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
        "artifact": StoredJson(whole_artifact(texts.artifact, inputs=texts.inputs, result=texts.result)),
        "evidence_bundle": StoredJson(bundle),
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


def _as_created(created: CreatedProposal) -> dict[str, Any]:
    """The proposal as its operation left it, whatever happened to it since."""
    summary = proposal_summary(created.proposal)
    summary["portfolio_id"] = created.version.version.portfolio_id
    summary["last_event_at"] = wire_timestamp(created.event.occurred_at)
    summary["current_state"] = created.event.to_state
    summary["current_version_no"] = created.version.version.version_no
    return {
        "proposal": summary,
        "version": version_detail(created.version, include_evidence=True),
        "latest_workflow_event": workflow_event(created.event),
    }


def _optional(moment: datetime | None) -> str | None:
    return None if moment is None else wire_timestamp(moment)

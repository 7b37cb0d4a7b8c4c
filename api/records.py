"""The wire models of stored records that several resources share: proposal, version, event, create response."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field

from api.documents.artifact import EvidenceBundle, ProposalArtifact
from api.documents.result import GateDecision, ProposalResult, SimulationStatus
from api.wire import (
    HASH_EXAMPLE,
    HEX,
    PROPOSAL_ID_EXAMPLE,
    TIMESTAMP_EXAMPLE,
    EventId,
    Hash,
    ProposalId,
    Stored,
    StoredJson,
    Timestamp,
    VersionId,
    Wire,
)
from domain.evidence import artifact_parts, bundle_parts
from domain.proposal import EventType, ProposalState
from services.documents import VersionTexts
from services.lookup import CreatedVersion


class ProposalSummary(Wire):
    """A proposal without its contents."""

    proposal_id: ProposalId = Field(description="Id of the proposal, `pp_...`.", examples=[PROPOSAL_ID_EXAMPLE])
    portfolio_id: str = Field(description="The portfolio, by the id of the request.", examples=["pf_1"])
    mandate_id: str | None = Field(description="Mandate of the bank's customer.", examples=["mandate_9"])
    jurisdiction: str | None = Field(description="Jurisdiction of the proposal.", examples=["SG"])
    created_by: str = Field(description="The person who submitted the request.", examples=["advisor_1"])
    created_at: Timestamp = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    last_event_at: Timestamp = Field(description="Time of the last event, UTC.", examples=[TIMESTAMP_EXAMPLE])
    current_state: ProposalState = Field(description="State of the review.", examples=["DRAFT"])
    current_version_no: int = Field(description="Number of the newest version; versions count from 1.", examples=[1])
    title: str | None = Field(description="Title of the proposal.", examples=["Rebalance into quality"])
    waiting_since: Timestamp = Field(
        description="When that state began, UTC; a new version that leaves the state as it was begins none.",
        examples=[TIMESTAMP_EXAMPLE],
    )


def none_required(schema: dict[str, Any]) -> None:
    del schema["required"]


class VersionEvidence(EvidenceBundle):
    """The artifact's evidence bundle, without any member when it is hidden or not stored."""

    # Not a choice of two schemas: generators make a class for that, and Java's does not compile.
    model_config = ConfigDict(json_schema_extra=none_required)


class VersionDetail(Wire):
    """The immutable contents of a proposal's version."""

    proposal_version_id: VersionId = Field(description="Id of the version, `ppv_...`.", examples=[f"ppv_{HEX}"])
    proposal_id: ProposalId = Field(description="The proposal that the version is of.", examples=[PROPOSAL_ID_EXAMPLE])
    version_no: int = Field(description="1, 2, 3 without a gap.", examples=[1])
    created_at: Timestamp = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    request_hash: Hash = Field(description="Hash of the request.", examples=[HASH_EXAMPLE])
    artifact_hash: Hash = Field(description="Hash of the artifact.", examples=[HASH_EXAMPLE])
    simulation_hash: Hash = Field(description="Hash of the result.", examples=[HASH_EXAMPLE])
    status_at_creation: SimulationStatus = Field(description="Status of the simulation.", examples=["READY"])
    proposal_result: Annotated[StoredJson, Stored(ProposalResult)] = Field(
        description="What the engine computed for this version."
    )
    artifact: Annotated[StoredJson, Stored(ProposalArtifact)] = Field(
        description="The document that people approve, made from the result."
    )
    evidence_bundle: Annotated[StoredJson, Stored(VersionEvidence)] = Field(
        description="The artifact's bundle once more; `{}` when hidden or not stored."
    )
    gate_decision: Annotated[StoredJson, Stored(GateDecision)] | None = Field(description="The result's gate decision.")

    @classmethod
    def of(cls, texts: VersionTexts, *, include_evidence: bool = True) -> Self:
        stored = {"inputs": texts.inputs, "result": texts.result}
        shows_bundle = include_evidence and texts.version.evidence_stored
        return cls.from_value(
            texts.version,
            proposal_result=texts.result,
            artifact=StoredJson(*artifact_parts(texts.artifact, **stored)),
            evidence_bundle=StoredJson(*(bundle_parts(texts.artifact, **stored) if shows_bundle else ("{}",))),
        )


class ProposalEvent(Wire):
    """One link of a proposal's audit trail."""

    event_id: EventId = Field(description="Id of the event, `pwe_...`.", examples=[f"pwe_{HEX}"])
    proposal_id: ProposalId = Field(description="The proposal that the event is about.", examples=[PROPOSAL_ID_EXAMPLE])
    event_type: EventType = Field(description="The kind of event.", examples=["CREATED"])
    from_state: ProposalState | None = Field(description="State before the event; null for the first.", examples=[None])
    to_state: ProposalState = Field(description="State of the proposal after the event.", examples=["DRAFT"])
    actor_id: str = Field(description="The person who acted.", examples=["advisor_1"])
    occurred_at: Timestamp = Field(description="Time of the event, UTC.", examples=[TIMESTAMP_EXAMPLE])
    reason: Annotated[StoredJson, Stored(dict[str, Any])] = Field(
        description="Free details, as they were sent.", examples=[{"correlation_id": "crm/case/4711"}]
    )
    related_version_no: int | None = Field(description="The version that the event concerns.", examples=[1])
    sequence: int = Field(description="1, 2, 3 without a gap.", examples=[1])
    subject_hash: Hash | None = Field(
        description="Hash of the version or approval that the event made; null for other events.",
        examples=[HASH_EXAMPLE],
    )
    previous_event_hash: Hash = Field(
        description="Hash of the previous event; zeros for the first.", examples=[HASH_EXAMPLE]
    )
    event_hash: Hash = Field(
        description="Hash of all members above; docs/reference/api/reviews.md says how to compute it.",
        examples=[HASH_EXAMPLE],
    )


class CreateResponse(Wire):
    """A proposal as its operation left it."""

    proposal: ProposalSummary = Field(description="The proposal as it is now.")
    version: VersionDetail = Field(description="The version that this request made.")
    latest_workflow_event: ProposalEvent = Field(description="The event that made it.")

    @classmethod
    def as_created(cls, created: CreatedVersion) -> Self:
        """The proposal as its operation left it, whatever happened to it since."""
        summary = ProposalSummary.from_value(
            created.proposal,
            portfolio_id=created.version.version.portfolio_id,
            last_event_at=created.event.occurred_at,
            current_state=created.event.to_state,
            current_version_no=created.version.version.version_no,
            waiting_since=created.state_began,
        )
        return cls(proposal=summary, version=VersionDetail.of(created.version), latest_workflow_event=created.event)

    @classmethod
    def at_present(cls, created: CreatedVersion) -> Self:
        """The version that was made, with the proposal and its latest event as they are now."""
        return cls(
            proposal=created.proposal, version=VersionDetail.of(created.version), latest_workflow_event=created.event
        )

"""Proposals, versions and events."""

from typing import Any

from pydantic import BaseModel, Field

from api.schemas.artifact import EvidenceBundle, ProposalArtifact
from api.schemas.formats import (
    HASH_EXAMPLE,
    HEX,
    PROPOSAL_ID_EXAMPLE,
    TIMESTAMP_EXAMPLE,
    EventId,
    Hash,
    ProposalId,
    VersionId,
)
from api.schemas.gate import GateDecision
from api.schemas.simulation import ProposalResult, SimulationStatus
from domain.proposal import EventType, ProposalState


class ProposalSummary(BaseModel):
    """A proposal without its contents."""

    proposal_id: ProposalId = Field(description="The proposal.", examples=[PROPOSAL_ID_EXAMPLE])
    portfolio_id: str = Field(description="The portfolio.", examples=["pf_1"])
    mandate_id: str | None = Field(description="The mandate.", examples=["mandate_9"])
    jurisdiction: str | None = Field(description="Legal regime.", examples=["SG"])
    created_by: str = Field(description="Who submitted it.", examples=["advisor_1"])
    created_at: str = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    last_event_at: str = Field(description="When something last happened to it, UTC.", examples=[TIMESTAMP_EXAMPLE])
    current_state: ProposalState = Field(description="Where it is in its review.", examples=["DRAFT"])
    current_version_no: int = Field(description="Its newest version.", examples=[1])
    title: str | None = Field(description="Title.", examples=["Rebalance into quality"])


class VersionDetail(BaseModel):
    """The immutable contents of a proposal's version."""

    proposal_version_id: VersionId = Field(description="The version.", examples=[f"ppv_{HEX}"])
    proposal_id: ProposalId = Field(description="Its proposal.", examples=[PROPOSAL_ID_EXAMPLE])
    version_no: int = Field(description="1, 2, 3 without a gap.", examples=[1])
    created_at: str = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    request_hash: Hash = Field(description="Of the request.", examples=[HASH_EXAMPLE])
    artifact_hash: Hash = Field(description="Of the artifact.", examples=[HASH_EXAMPLE])
    simulation_hash: Hash = Field(description="Of the result.", examples=[HASH_EXAMPLE])
    status_at_creation: SimulationStatus = Field(description="Of the simulation.", examples=["READY"])
    proposal_result: ProposalResult = Field(description="The result.")
    artifact: ProposalArtifact = Field(description="The artifact.")
    evidence_bundle: EvidenceBundle | dict[str, Any] = Field(
        description="The artifact's bundle once more; `{}` when hidden or not stored."
    )
    gate_decision: GateDecision | None = Field(description="The result's gate decision.", examples=[None])


class ProposalEvent(BaseModel):
    """One link of a proposal's audit trail."""

    event_id: EventId = Field(description="The event.", examples=[f"pwe_{HEX}"])
    proposal_id: ProposalId = Field(description="Its proposal.", examples=[PROPOSAL_ID_EXAMPLE])
    event_type: EventType = Field(description="What happened.", examples=["CREATED"])
    from_state: ProposalState | None = Field(description="Before; null for the first.", examples=[None])
    to_state: ProposalState = Field(description="After.", examples=["DRAFT"])
    actor_id: str = Field(description="Who did it.", examples=["advisor_1"])
    occurred_at: str = Field(description="When, UTC.", examples=[TIMESTAMP_EXAMPLE])
    reason: dict[str, Any] = Field(description="Free details.")
    related_version_no: int | None = Field(description="The version it is about.", examples=[1])
    sequence: int = Field(description="1, 2, 3 without a gap.", examples=[1])
    previous_event_hash: Hash = Field(description="Of the event before; zeros for the first.", examples=[HASH_EXAMPLE])
    event_hash: Hash = Field(description="Of this event.", examples=[HASH_EXAMPLE])


class CreateResponse(BaseModel):
    """A proposal as its operation left it."""

    proposal: ProposalSummary = Field(description="The proposal.")
    version: VersionDetail = Field(description="Its version.")
    latest_workflow_event: ProposalEvent = Field(description="The event that made it.")


class ProposalDetailResponse(BaseModel):
    """A proposal with its current version."""

    proposal: ProposalSummary = Field(description="The proposal.")
    current_version: VersionDetail = Field(description="Its newest version.")
    last_gate_decision: GateDecision | None = Field(description="That version's gate decision.", examples=[None])


class ProposalListResponse(BaseModel):
    """A page of proposals."""

    items: list[ProposalSummary] = Field(description="Newest first.")
    next_cursor: str | None = Field(
        description="`cursor` of the next page: the last proposal of this one; null on the last page.",
        examples=[PROPOSAL_ID_EXAMPLE],
    )


class LineageItem(BaseModel):
    """A version without its contents."""

    proposal_version_id: VersionId = Field(description="The version.", examples=[f"ppv_{HEX}"])
    version_no: int = Field(description="1, 2, 3 without a gap.", examples=[1])
    created_at: str = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    status_at_creation: SimulationStatus = Field(description="Of the simulation.", examples=["READY"])
    request_hash: Hash = Field(description="Of the request.", examples=[HASH_EXAMPLE])
    simulation_hash: Hash = Field(description="Of the result.", examples=[HASH_EXAMPLE])
    artifact_hash: Hash = Field(description="Of the artifact.", examples=[HASH_EXAMPLE])


class LineageResponse(BaseModel):
    """A proposal and all its versions."""

    proposal: ProposalSummary = Field(description="The proposal.")
    versions: list[LineageItem] = Field(description="Ascending.")

"""Transitions and approvals on the wire."""

from typing import Any, Self

from pydantic import BaseModel, Field, ModelWrapValidatorHandler, model_validator

from api.schemas.formats import HEX, PROPOSAL_ID_EXAMPLE, TIMESTAMP_EXAMPLE, ApprovalId, ProposalId
from api.schemas.free_json import FreeObject
from api.schemas.proposals import ProposalEvent
from api.schemas.whole_body import read_as_a_whole, refuse
from domain.portfolio import Identifier, RequestPart
from domain.proposal import ApprovalType, EventType, ProposalState
from domain.request import MAX_VERSION_NO


class ReviewRequest(RequestPart):
    """What transitions and approvals have in common: who acts, and on what view of the proposal."""

    actor_id: Identifier = Field(description="Who acts.", examples=["reviewer_1"])
    related_version_no: int | None = Field(
        None,
        ge=1,
        le=MAX_VERSION_NO,
        description="The version that was looked at; under strict version binding it must be the current one.",
        examples=[1],
    )
    expected_state: ProposalState | None = Field(
        None,
        description="The state that the actor saw; another one is a conflict. Required unless the service is "
        "configured otherwise.",
        examples=["RISK_REVIEW"],
    )

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        request = read_as_a_whole(cls, value, handler)
        refuse(cls.__name__, value)
        return request


class TransitionRequest(ReviewRequest):
    """An event of a proposal's review."""

    event_type: EventType = Field(description="What happens.", examples=["SUBMITTED_FOR_RISK_REVIEW"])
    reason: FreeObject = Field(
        default_factory=dict, description="Free details, at most 64 kB of JSON.", examples=[{"comment": "ready"}]
    )


class ApprovalRequest(ReviewRequest):
    """A review or consent decision."""

    approval_type: ApprovalType = Field(description="Whose decision.", examples=["RISK"])
    approved: bool = Field(description="`false` rejects the proposal for good.", examples=[True])
    details: FreeObject = Field(
        default_factory=dict,
        description="Free details, at most 64 kB of JSON.",
        examples=[{"comment": "within limits"}],
    )


class ApprovalRecord(BaseModel):
    """A recorded decision."""

    approval_id: ApprovalId = Field(description="The approval.", examples=[f"pap_{HEX}"])
    proposal_id: ProposalId = Field(description="Its proposal.", examples=[PROPOSAL_ID_EXAMPLE])
    approval_type: ApprovalType = Field(description="Whose decision.", examples=["RISK"])
    approved: bool = Field(description="Yes or no.", examples=[True])
    actor_id: str = Field(description="Who decided.", examples=["reviewer_1"])
    occurred_at: str = Field(description="When, UTC.", examples=[TIMESTAMP_EXAMPLE])
    details: dict[str, Any] = Field(description="Free details.")
    related_version_no: int | None = Field(description="The version that was looked at.", examples=[1])


class TransitionResponse(BaseModel):
    """Where the proposal is now, and the event that led there."""

    proposal_id: ProposalId = Field(description="The proposal.", examples=[PROPOSAL_ID_EXAMPLE])
    current_state: ProposalState = Field(description="Where it is now.", examples=["AWAITING_CLIENT_CONSENT"])
    latest_workflow_event: ProposalEvent = Field(description="The event.")
    approval: ApprovalRecord | None = Field(
        description="The decision; null for transitions, also when they record one.", examples=[None]
    )


class ApprovalsResponse(BaseModel):
    """All decisions about a proposal."""

    proposal_id: ProposalId = Field(description="The proposal.", examples=[PROPOSAL_ID_EXAMPLE])
    approvals: list[ApprovalRecord] = Field(description="Oldest first.")


class WorkflowEventsResponse(BaseModel):
    """A proposal's audit trail."""

    proposal_id: ProposalId = Field(description="The proposal.", examples=[PROPOSAL_ID_EXAMPLE])
    current_state: ProposalState = Field(description="Where the last event led.", examples=["DRAFT"])
    events: list[ProposalEvent] = Field(description="Oldest first.")

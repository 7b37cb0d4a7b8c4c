"""Review, consent and execution: each request is one transaction on the locked proposal."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Self

from fastapi import Depends, Response
from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from api.gates import Gate
from api.http.headers import REPLAYED_HEADER, OptionalIdempotencyKeyHeader, replayed, scoped_key
from api.http.parameters import ProposalIdInPath
from api.http.router import Context, GuardedRouter, body_of
from api.records import ProposalEvent
from api.wire import (
    HEX,
    PROPOSAL_ID_EXAMPLE,
    TIMESTAMP_EXAMPLE,
    ApprovalId,
    ProposalId,
    Stored,
    StoredJson,
    Timestamp,
    Wire,
    json_response,
)
from domain.access import DECISION_SCOPES, Scope
from domain.canonical import canonical_hash, canonical_text
from domain.errors import (
    ActorMismatch,
    ExpectedStateMismatch,
    ExpectedStateRequired,
    FourEyesViolation,
    IdempotencyKeyConflict,
    InvalidApprovalState,
    InvalidTransition,
    ProposalNotFound,
    RelatedVersionUnknown,
    VersionConflict,
)
from domain.lifecycle import TRANSITIONS, ReviewCommand
from domain.portfolio import Name, RequestPart
from domain.proposal import ApprovalType, EventType, ProposalState
from domain.public_links import PROPOSALS_PATH
from domain.request import VersionNo
from services.lifecycle import KeyedReview, ReviewResult

MAX_FREE_BYTES: Final = 64 * 1024

DECISIONS: Final = frozenset(DECISION_SCOPES.values())
# An event that is not here is the author's: submitting, cancelling, executing, expiring.
EVENT_SCOPES: Final[Mapping[EventType, frozenset[Scope]]] = {
    EventType.RISK_APPROVED: frozenset({Scope.REVIEWS_RISK}),
    EventType.COMPLIANCE_APPROVED: frozenset({Scope.REVIEWS_COMPLIANCE}),
    EventType.CLIENT_CONSENT_RECORDED: frozenset({Scope.CONSENTS_RECORD}),
    EventType.REJECTED: DECISIONS,  # the state of the locked proposal decides which one (`domain.lifecycle`)
}
REFUSALS: Final = (
    ProposalNotFound,
    ExpectedStateRequired,
    ExpectedStateMismatch,
    VersionConflict,
    IdempotencyKeyConflict,
    RelatedVersionUnknown,
    ActorMismatch,
    FourEyesViolation,
)
RECORDED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The event is recorded.", "headers": REPLAYED_HEADER}
}

router = GuardedRouter(f"{PROPOSALS_PATH}/{{proposal_id}}", gate=Gate.LIFECYCLE, tag="Reviews")


def _refuse_unstorable(value: dict[str, Any]) -> dict[str, Any]:
    if any(not math.isfinite(number) for number in _floats(value)):
        raise PydanticCustomError("finite_number", "Numbers must be finite and within the range of a double")
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_FREE_BYTES:
        raise PydanticCustomError("string_too_long", "The object should have at most 65536 bytes of JSON")
    return value


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _floats(member)
    elif isinstance(value, list):
        for item in value:
            yield from _floats(item)


# The document has what can succeed; the others stay a 422 INVALID_TRANSITION.
TransitionEvent = TypeAliasType(
    "TransitionEvent",
    Annotated[
        EventType,
        WithJsonSchema({"type": "string", "enum": list(dict.fromkeys(event.value for _, event in TRANSITIONS))}),
    ],
)
FreeObject = Annotated[dict[str, Any], AfterValidator(_refuse_unstorable)]


class ReviewRequest(RequestPart):
    """What transitions and approvals have in common: who acts, and on what view of the proposal."""

    actor_id: Name = Field(description="The person who acts.", examples=["reviewer_1"])
    related_version_no: VersionNo | None = Field(
        None,
        description="The version that was looked at; under strict version binding it must be the current one.",
        examples=[1],
    )
    expected_state: ProposalState | None = Field(
        None,
        description="The state that the actor saw; another one is a conflict. Required unless the service is "
        "configured otherwise.",
        examples=["RISK_REVIEW"],
    )


class TransitionRequest(ReviewRequest):
    """An event to record in a proposal's review."""

    event_type: TransitionEvent = Field(description="The event to record.", examples=["SUBMITTED_FOR_RISK_REVIEW"])
    reason: FreeObject = Field(
        default_factory=dict, description="Free details, at most 64 kB of JSON.", examples=[{"comment": "ready"}]
    )


class ApprovalRequest(ReviewRequest):
    """A review or consent decision."""

    approval_type: ApprovalType = Field(description="The kind of decision.", examples=["RISK"])
    approved: bool = Field(description="`false` rejects the proposal permanently.", examples=[True])
    details: FreeObject = Field(
        default_factory=dict,
        description="Free details, at most 64 kB of JSON.",
        examples=[{"comment": "within limits"}],
    )


class ApprovalRecord(Wire):
    """A recorded decision."""

    approval_id: ApprovalId = Field(description="Id of the decision, `pap_...`.", examples=[f"pap_{HEX}"])
    proposal_id: ProposalId = Field(
        description="The proposal that the decision is about.", examples=[PROPOSAL_ID_EXAMPLE]
    )
    approval_type: ApprovalType = Field(description="The kind of decision.", examples=["RISK"])
    approved: bool = Field(description="Whether the decision is an approval.", examples=[True])
    actor_id: str = Field(description="The person who decided.", examples=["reviewer_1"])
    occurred_at: Timestamp = Field(description="Time of the event, UTC.", examples=[TIMESTAMP_EXAMPLE])
    details: Annotated[StoredJson, Stored(dict[str, Any])] = Field(
        description="Free details, as they were sent.", examples=[{"comment": "within limits"}]
    )
    related_version_no: int | None = Field(description="The version that was looked at.", examples=[1])


class TransitionResponse(Wire):
    """The state of a proposal after an event, and the event."""

    proposal_id: ProposalId = Field(description="The proposal that the event is about.", examples=[PROPOSAL_ID_EXAMPLE])
    current_state: ProposalState = Field(description="State after the event.", examples=["AWAITING_CLIENT_CONSENT"])
    latest_workflow_event: ProposalEvent = Field(description="The event that this request recorded.")
    approval: ApprovalRecord | None = Field(
        description="The decision that was recorded. Always null on `/transitions`, also when the event is a "
        "decision: list it with `GET .../approvals`.",
        examples=[None],
    )

    @classmethod
    def of(cls, recorded: ReviewResult, *, with_approval: bool) -> Self:
        return cls(
            proposal_id=recorded.event.proposal_id,
            current_state=recorded.event.to_state,
            latest_workflow_event=recorded.event,
            approval=recorded.approval if with_approval else None,
        )


@router.post(
    "/transitions",
    scopes=DECISIONS | {Scope.PROPOSALS_WRITE},
    body=TransitionRequest,
    raises=(*REFUSALS, InvalidTransition),
    summary="Record an event",
    response_model=TransitionResponse,
    responses=RECORDED,
)
async def record_transition(
    proposal_id: ProposalIdInPath,
    body: Annotated[TransitionRequest, Depends(body_of)],
    context: Context,
    idempotency_key: OptionalIdempotencyKeyHeader = None,
) -> Response:
    """Take the proposal to its next state. A review or consent decision recorded here is also an approval record."""
    context.caller.require_any(EVENT_SCOPES.get(body.event_type, frozenset({Scope.PROPOSALS_WRITE})))
    context.caller.require_actor(body.actor_id)
    recorded = await context.services.reviews.transition(
        proposal_id,
        body.event_type,
        _command(body, body.reason, context),
        client=context.client,
        keyed=_keyed("transitions", proposal_id, idempotency_key, body, client=context.client),
    )
    return _answer(recorded, with_approval=False)


@router.post(
    "/approvals",
    scopes=DECISIONS,
    body=ApprovalRequest,
    raises=(*REFUSALS, InvalidApprovalState),
    summary="Record a decision",
    response_model=TransitionResponse,
    responses=RECORDED,
)
async def record_approval(
    proposal_id: ProposalIdInPath,
    body: Annotated[ApprovalRequest, Depends(body_of)],
    context: Context,
    idempotency_key: OptionalIdempotencyKeyHeader = None,
) -> Response:
    """Record a review or consent decision and the event that it makes, in one transaction."""
    context.caller.require_any(frozenset({DECISION_SCOPES[body.approval_type]}))
    context.caller.require_actor(body.actor_id)
    recorded = await context.services.reviews.approve(
        proposal_id,
        body.approval_type,
        _command(body, body.details, context),
        approved=body.approved,
        client=context.client,
        keyed=_keyed("approvals", proposal_id, idempotency_key, body, client=context.client),
    )
    return _answer(recorded, with_approval=True)


def _command(body: ReviewRequest, reason: dict[str, Any], context: Context) -> ReviewCommand:
    return ReviewCommand(
        actor_id=body.actor_id,
        reason=canonical_text(reason),
        decisions=context.caller.decisions,
        related_version_no=body.related_version_no,
        expected_state=body.expected_state,
    )


def _keyed(scope: str, proposal_id: str, key: str | None, body: ReviewRequest, *, client: str) -> KeyedReview | None:
    scoped = scoped_key(scope, proposal_id, key, client=client)
    if scoped is None:
        return None
    return KeyedReview(key=scoped, request_hash=canonical_hash(body.model_dump(exclude_defaults=True)))


def _answer(recorded: ReviewResult, *, with_approval: bool) -> Response:
    answer = TransitionResponse.of(recorded, with_approval=with_approval)
    return json_response(answer, headers=replayed(is_replay=recorded.is_replay))

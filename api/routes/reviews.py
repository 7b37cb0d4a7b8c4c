"""Review, consent and execution: each request is one transaction on the locked proposal."""

from typing import Any, Final

from fastapi import APIRouter, Response

from api.access import GuardedJsonRoute, scopes_of_decision, scopes_of_event
from api.dependencies import CallerOfRequest, ProcessServices
from api.headers import REPLAYED_HEADER, CorrelationIdHeader, OptionalIdempotencyKeyHeader
from api.json_text import json_response
from api.parameters import ProposalIdInPath
from api.presentation import transition
from api.problems import problems
from api.schemas.reviews import ApprovalRequest, ReviewRequest, TransitionRequest, TransitionResponse
from api.submissions import scoped_key
from domain.access import Caller
from domain.canonical import canonical_hash, canonical_text
from domain.errors import (
    ActorMismatch,
    ExpectedStateMismatch,
    ExpectedStateRequired,
    FourEyesViolation,
    IdempotencyKeyConflict,
    InvalidApprovalState,
    InvalidTransition,
    LifecycleDisabled,
    ProposalNotFound,
    RelatedVersionUnknown,
    StorageUnavailable,
    VersionConflict,
)
from domain.lifecycle import ReviewCommand
from services.lifecycle import KeyedReview, Recorded

REFUSALS: Final = (
    ProposalNotFound,
    LifecycleDisabled,
    ExpectedStateRequired,
    ExpectedStateMismatch,
    VersionConflict,
    IdempotencyKeyConflict,
    RelatedVersionUnknown,
    ActorMismatch,
    FourEyesViolation,
    StorageUnavailable,
)
RECORDED: Final[dict[str, Any]] = {"description": "Recorded.", "headers": REPLAYED_HEADER}

router = APIRouter(prefix="/rebalance/proposals/{proposal_id}", tags=["Reviews"], route_class=GuardedJsonRoute)


@router.post(
    "/transitions",
    summary="Record an event",
    response_model=TransitionResponse,
    responses={200: RECORDED, **problems(*REFUSALS, InvalidTransition, statuses=(408, 413, 415, 500))},
)
async def record_transition(
    proposal_id: ProposalIdInPath,
    body: TransitionRequest,
    services: ProcessServices,
    caller: CallerOfRequest,
    idempotency_key: OptionalIdempotencyKeyHeader = None,
    _: CorrelationIdHeader = None,
) -> Response:
    """Take the proposal to its next state; a review or consent decision taken this way is recorded as one, too."""
    services.gates.require_lifecycle()
    caller.require_any(scopes_of_event(body.event_type))
    caller.require_actor(body.actor_id)
    recorded = await services.reviews.transition(
        proposal_id,
        body.event_type,
        _command(body, body.reason, caller),
        client=caller.client,
        keyed=_keyed("transitions", proposal_id, idempotency_key, body, client=caller.client),
    )
    return _answer(recorded, with_approval=False)


@router.post(
    "/approvals",
    summary="Record a decision",
    response_model=TransitionResponse,
    responses={200: RECORDED, **problems(*REFUSALS, InvalidApprovalState, statuses=(408, 413, 415, 500))},
)
async def record_approval(
    proposal_id: ProposalIdInPath,
    body: ApprovalRequest,
    services: ProcessServices,
    caller: CallerOfRequest,
    idempotency_key: OptionalIdempotencyKeyHeader = None,
    _: CorrelationIdHeader = None,
) -> Response:
    """Record a review or consent decision and the event that it makes, in one transaction."""
    services.gates.require_lifecycle()
    caller.require_any(scopes_of_decision(body.approval_type))
    caller.require_actor(body.actor_id)
    recorded = await services.reviews.approve(
        proposal_id,
        body.approval_type,
        _command(body, body.details, caller),
        approved=body.approved,
        client=caller.client,
        keyed=_keyed("approvals", proposal_id, idempotency_key, body, client=caller.client),
    )
    return _answer(recorded, with_approval=True)


def _command(body: ReviewRequest, reason: dict[str, Any], caller: Caller) -> ReviewCommand:
    return ReviewCommand(
        actor_id=body.actor_id,
        reason=canonical_text(reason),
        decisions=caller.decisions,
        related_version_no=body.related_version_no,
        expected_state=body.expected_state,
    )


def _keyed(scope: str, proposal_id: str, key: str | None, body: ReviewRequest, *, client: str) -> KeyedReview | None:
    scoped = scoped_key(scope, proposal_id, key, client=client)
    if scoped is None:
        return None
    return KeyedReview(key=scoped, request_hash=canonical_hash(body.model_dump(exclude_defaults=True)))


def _answer(recorded: Recorded, *, with_approval: bool) -> Response:
    return json_response(
        transition(recorded, with_approval=with_approval),
        headers={"Idempotent-Replayed": "true"} if recorded.is_replay else None,
    )

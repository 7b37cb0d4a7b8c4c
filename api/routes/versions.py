"""Versions of a proposal: created as operations, immutable ever after."""

from http import HTTPStatus

from fastapi import APIRouter, HTTPException, Request, Response

from api.access import GuardedJsonRoute
from api.callback_docs import callback_routes
from api.dependencies import CallerOfRequest, CorrelationId, ProcessServices
from api.headers import CorrelationIdHeader, OptionalIdempotencyKeyHeader, PreferHeader, preferences
from api.json_text import json_response
from api.parameters import IncludeEvidence, ProposalIdInPath, VersionNoInPath
from api.presentation import version_detail
from api.problems import problems
from api.schemas.operations import AsyncAccepted
from api.schemas.proposals import CreateResponse, VersionDetail
from api.schemas.submission import CreateVersionRequest, ordered_callback
from api.submissions import ACCEPTED, answer_accepted, answer_ended, scoped_key, synchronous_responses
from domain.errors import (
    ActorMismatch,
    AsyncOperationsDisabled,
    CallbacksNotConfigured,
    CallbackUrlNotAllowed,
    IdempotencyKeyConflict,
    LifecycleDisabled,
    PortfolioContextMismatch,
    ProposalNotFound,
    ProposalTerminal,
    StorageUnavailable,
    TooManyOpenOperations,
    VersionConflict,
    VersionNotFound,
)
from domain.operation import VERSIONS_SCOPE
from services.submission import Submission

router = APIRouter(
    prefix="/rebalance/proposals/{proposal_id}/versions", tags=["Versions"], route_class=GuardedJsonRoute
)


@router.post(
    "",
    summary="Create a version",
    callbacks=callback_routes("create_version"),
    response_model=CreateResponse,
    responses=synchronous_responses(ProposalNotFound, ProposalTerminal, PortfolioContextMismatch, VersionConflict),
)
async def create_version(
    request: Request,
    proposal_id: ProposalIdInPath,
    body: CreateVersionRequest,
    correlation_id: CorrelationId,
    services: ProcessServices,
    caller: CallerOfRequest,
    idempotency_key: OptionalIdempotencyKeyHeader = None,
    prefer: PreferHeader = None,
    _: CorrelationIdHeader = None,
) -> Response:
    """Submit the proposal's next version and wait for it; versions are numbered without a gap."""
    services.gates.require_lifecycle()
    caller.require_actor(body.created_by)
    submission = Submission(
        request=body,
        prepared=body.prepared,
        client=caller.client,
        key=scoped_key(VERSIONS_SCOPE, proposal_id, idempotency_key, client=caller.client),
        correlation_id=correlation_id,
        proposal_id=proposal_id,
        is_synchronous=True,
        callback=ordered_callback(body),
    )
    return await answer_ended(request, services, submission, preferences(prefer))


@router.post(
    "/async",
    status_code=202,
    summary="Submit a version",
    callbacks=callback_routes("submit_version"),
    response_model=AsyncAccepted,
    responses={
        202: ACCEPTED,
        **problems(
            AsyncOperationsDisabled,
            LifecycleDisabled,
            IdempotencyKeyConflict,
            CallbackUrlNotAllowed,
            CallbacksNotConfigured,
            ActorMismatch,
            TooManyOpenOperations,
            StorageUnavailable,
            statuses=(408, 413, 415, 422, 500),
        ),
    },
)
async def submit_version(
    proposal_id: ProposalIdInPath,
    body: CreateVersionRequest,
    correlation_id: CorrelationId,
    services: ProcessServices,
    caller: CallerOfRequest,
    idempotency_key: OptionalIdempotencyKeyHeader = None,
    _: CorrelationIdHeader = None,
) -> Response:
    """Accept the proposal's next version; its operation fails when there is no such proposal."""
    services.gates.require_async_operations()
    caller.require_actor(body.created_by)
    submission = Submission(
        request=body,
        prepared=body.prepared,
        client=caller.client,
        key=scoped_key(VERSIONS_SCOPE, proposal_id, idempotency_key, client=caller.client),
        correlation_id=correlation_id,
        proposal_id=proposal_id,
        callback=ordered_callback(body),
    )
    return await answer_accepted(services, submission)


@router.get("/async", include_in_schema=False)
async def refuse_reading_submissions() -> Response:
    """This address takes submissions; without this it would be a version whose number is none."""
    raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


@router.get(
    "/{version_no}",
    summary="Read a version",
    response_model=VersionDetail,
    responses=problems(VersionNotFound, LifecycleDisabled, StorageUnavailable, statuses=(422, 500)),
)
async def read_version(
    proposal_id: ProposalIdInPath,
    version_no: VersionNoInPath,
    services: ProcessServices,
    caller: CallerOfRequest,
    include_evidence: IncludeEvidence = True,
    _: CorrelationIdHeader = None,
) -> Response:
    """One version with its result, artifact and evidence."""
    services.gates.require_lifecycle()
    texts = await services.proposals.version(proposal_id, version_no, client=caller.client)
    return json_response(version_detail(texts, include_evidence=include_evidence))

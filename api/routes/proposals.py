"""Proposals: created as operations, waited for or not; read from PostgreSQL."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.access import GuardedJsonRoute
from api.callback_docs import callback_routes
from api.dependencies import CallerOfRequest, CorrelationId, ProcessServices
from api.headers import CorrelationIdHeader, IdempotencyKeyHeader, PreferHeader, preferences
from api.json_text import json_response
from api.parameters import IncludeEvidence, PagingOfRequest, ProposalIdInPath, QueryText
from api.presentation import proposal_detail, proposal_page
from api.problems import problems
from api.schemas.operations import AsyncAccepted
from api.schemas.proposals import CreateResponse, ProposalDetailResponse, ProposalListResponse
from api.schemas.submission import CreateProposalRequest, ordered_callback
from api.submissions import ACCEPTED, answer_accepted, answer_ended, proposals_key, synchronous_responses
from domain.errors import (
    ActorMismatch,
    AsyncOperationsDisabled,
    CallbacksNotConfigured,
    CallbackUrlNotAllowed,
    CursorInvalid,
    IdempotencyKeyConflict,
    LifecycleDisabled,
    ProposalNotFound,
    StorageUnavailable,
    TooManyOpenOperations,
)
from services.submission import Submission
from storage.proposal_list import ProposalFilter

router = APIRouter(prefix="/rebalance/proposals", tags=["Proposals"], route_class=GuardedJsonRoute)


@router.post(
    "",
    summary="Create a proposal",
    callbacks=callback_routes("create_proposal"),
    response_model=CreateResponse,
    responses=synchronous_responses(),
)
async def create_proposal(
    request: Request,
    body: CreateProposalRequest,
    idempotency_key: IdempotencyKeyHeader,
    correlation_id: CorrelationId,
    services: ProcessServices,
    caller: CallerOfRequest,
    prefer: PreferHeader = None,
    _: CorrelationIdHeader = None,
) -> Response:
    """Submit a proposal and wait for what it makes; a 202 means that it goes on, and the same key waits again."""
    services.gates.require_lifecycle()
    caller.require_actor(body.created_by)
    submission = Submission(
        request=body,
        prepared=body.prepared,
        client=caller.client,
        key=proposals_key(idempotency_key, client=caller.client),
        correlation_id=correlation_id,
        is_synchronous=True,
        callback=ordered_callback(body),
    )
    return await answer_ended(request, services, submission, preferences(prefer))


@router.post(
    "/async",
    status_code=202,
    summary="Submit a proposal",
    callbacks=callback_routes("submit_proposal"),
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
async def submit_proposal(
    body: CreateProposalRequest,
    idempotency_key: IdempotencyKeyHeader,
    correlation_id: CorrelationId,
    services: ProcessServices,
    caller: CallerOfRequest,
    _: CorrelationIdHeader = None,
) -> Response:
    """Accept a proposal for simulation and storage; the same key and body always mean the same operation."""
    services.gates.require_async_operations()
    caller.require_actor(body.created_by)
    submission = Submission(
        request=body,
        prepared=body.prepared,
        client=caller.client,
        key=proposals_key(idempotency_key, client=caller.client),
        correlation_id=correlation_id,
        callback=ordered_callback(body),
    )
    return await answer_accepted(services, submission)


def _narrowed(
    paging: PagingOfRequest,
    portfolio_id: Annotated[QueryText, Query(description="Of this portfolio.", examples=["pf_1"])] = None,
    state: Annotated[
        QueryText, Query(description="In this state; an unknown one has an empty page.", examples=["DRAFT"])
    ] = None,
    created_by: Annotated[QueryText, Query(description="Submitted by this person.", examples=["advisor_1"])] = None,
) -> ProposalFilter:
    return ProposalFilter(
        portfolio_id=portfolio_id,
        current_state=state,
        created_by=created_by,
        created_from=paging.created_from,
        created_to=paging.created_to,
    )


@router.get(
    "",
    summary="List proposals",
    response_model=ProposalListResponse,
    responses=problems(CursorInvalid, LifecycleDisabled, StorageUnavailable, statuses=(500,)),
)
async def list_proposals(
    narrowed: Annotated[ProposalFilter, Depends(_narrowed)],
    paging: PagingOfRequest,
    services: ProcessServices,
    caller: CallerOfRequest,
    _: CorrelationIdHeader = None,
) -> Response:
    """Newest first, narrowed by any of the filters; a page costs the same however long the list is."""
    services.gates.require_lifecycle()
    page = await services.proposals.page(narrowed, client=caller.client, cursor=paging.cursor, limit=paging.limit)
    return json_response(proposal_page(page))


@router.get(
    "/{proposal_id}",
    summary="Read a proposal with its current version",
    response_model=ProposalDetailResponse,
    responses=problems(ProposalNotFound, LifecycleDisabled, StorageUnavailable, statuses=(422, 500)),
)
async def read_proposal(
    proposal_id: ProposalIdInPath,
    services: ProcessServices,
    caller: CallerOfRequest,
    include_evidence: IncludeEvidence = True,
    _: CorrelationIdHeader = None,
) -> Response:
    """The proposal, its current version with result, artifact and evidence, and that version's gate decision."""
    services.gates.require_lifecycle()
    detail = await services.proposals.detail(proposal_id, client=caller.client)
    return json_response(proposal_detail(detail, include_evidence=include_evidence))

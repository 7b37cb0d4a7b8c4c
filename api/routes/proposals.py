"""Proposals: submitted as operations, read from PostgreSQL."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.body import JsonBodyRoute
from api.dependencies import LOCAL_CLIENT, CorrelationId, ProcessServices
from api.headers import REPLAYED_HEADER, CorrelationIdHeader, IdempotencyKeyHeader
from api.json_text import json_response
from api.presentation import accepted, operation_path, proposal_detail
from api.problems import problems
from api.schemas.formats import PROPOSAL_ID_EXAMPLE
from api.schemas.operations import AsyncAccepted
from api.schemas.proposals import ProposalDetailResponse
from api.schemas.submission import CreateProposalRequest
from domain.errors import (
    AsyncOperationsDisabled,
    IdempotencyKeyConflict,
    LifecycleDisabled,
    ProposalNotFound,
    StorageUnavailable,
)
from domain.operation import IdempotencyKey
from services.submission import Submission

PROPOSALS_SCOPE = "proposals"

router = APIRouter(prefix="/rebalance/proposals", tags=["Proposals"], route_class=JsonBodyRoute)


@router.post(
    "/async",
    status_code=202,
    summary="Submit a proposal",
    response_model=AsyncAccepted,
    responses={
        202: {
            "description": "Accepted: the operation is stored and will end, whatever dies in between.",
            "headers": {
                "Location": {"description": "Where to poll.", "schema": {"type": "string"}},
                "Retry-After": {
                    "description": "Seconds until a first poll is worth it.",
                    "schema": {"type": "integer"},
                },
                **REPLAYED_HEADER,
            },
        },
        **problems(
            AsyncOperationsDisabled,
            LifecycleDisabled,
            IdempotencyKeyConflict,
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
    _: CorrelationIdHeader = None,
) -> Response:
    """Accept a proposal for simulation and storage; the same key and body always mean the same operation."""
    services.gates.require_async_operations()
    submitted = await services.submission.submit(
        Submission(
            request=body,
            key=IdempotencyKey(client=LOCAL_CLIENT, scope=PROPOSALS_SCOPE, key=idempotency_key),
            correlation_id=correlation_id,
        )
    )
    headers = {"Location": operation_path(submitted.operation.operation_id), "Retry-After": "1"}
    if submitted.is_replay:
        headers["Idempotent-Replayed"] = "true"
    return json_response(accepted(submitted.operation), status_code=202, headers=headers)


@router.get(
    "/{proposal_id}",
    summary="Read a proposal with its current version",
    response_model=ProposalDetailResponse,
    responses=problems(ProposalNotFound, LifecycleDisabled, StorageUnavailable, statuses=(422, 500)),
)
async def read_proposal(
    proposal_id: Annotated[str, Path(description="The proposal.", examples=[PROPOSAL_ID_EXAMPLE])],
    services: ProcessServices,
    include_evidence: Annotated[
        bool, Query(description="`false` hides `current_version.evidence_bundle`, not the artifact's own.")
    ] = True,
    _: CorrelationIdHeader = None,
) -> Response:
    """The proposal, its current version with result, artifact and evidence, and that version's gate decision."""
    services.gates.require_lifecycle()
    detail = await services.lookup.proposal(proposal_id, client=LOCAL_CLIENT)
    return json_response(proposal_detail(detail, include_evidence=include_evidence))

"""What support and auditors read: decisions, trails, lineage, keys, and how the service is configured."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic_core import PydanticCustomError

from api.access import GuardedRoute
from api.dependencies import CallerOfRequest, ProcessServices
from api.headers import CorrelationIdHeader, parsed_idempotency_key
from api.json_text import json_response
from api.parameters import ProposalIdInPath
from api.presentation import approvals, keyed_proposal, lineage, trail
from api.problems import problems
from api.schemas.proposals import LineageResponse
from api.schemas.reviews import ApprovalsResponse, WorkflowEventsResponse
from api.schemas.support import KeyedProposalResponse, SupportabilityConfig
from api.submissions import proposals_key
from domain.errors import (
    IdempotencyKeyNotFound,
    LifecycleDisabled,
    ProposalNotFound,
    StorageUnavailable,
    SupportApisDisabled,
)
from services.readiness import Readiness

OF_PROPOSAL = problems(
    ProposalNotFound, LifecycleDisabled, SupportApisDisabled, StorageUnavailable, statuses=(422, 500)
)

router = APIRouter(prefix="/rebalance/proposals", tags=["Support"], route_class=GuardedRoute)


@router.get(
    "/supportability/config",
    summary="Read how the service is configured",
    response_model=SupportabilityConfig,
    responses=problems(statuses=(422, 500)),
)
async def read_config(services: ProcessServices, _: CorrelationIdHeader = None) -> Response:
    """The flags in force and whether the store can be reached; always answered."""
    readiness = await services.readiness.readiness()
    return json_response(
        {
            "store_backend": "POSTGRES",
            "backend_ready": readiness.is_serving,
            "backend_init_error": _backend_error(readiness),
            **services.flags,
        }
    )


def _backend_error(readiness: Readiness) -> str | None:
    if readiness.is_serving:
        return None
    code = StorageUnavailable.code
    return code if readiness.database == "unreachable" else f"{code}: {readiness.reason}"


@router.get(
    "/idempotency/{idempotency_key:path}",
    summary="Find a proposal by its idempotency key",
    response_model=KeyedProposalResponse,
    responses=problems(
        IdempotencyKeyNotFound, LifecycleDisabled, SupportApisDisabled, StorageUnavailable, statuses=(422, 500)
    ),
)
async def read_keyed_proposal(
    idempotency_key: Annotated[
        str,
        Path(
            description="A key of a create request; percent-encode what is not plain.", examples=["advice-2026-02-22"]
        ),
    ],
    services: ProcessServices,
    caller: CallerOfRequest,
    _: CorrelationIdHeader = None,
) -> Response:
    """The proposal that a key made, written as in the header; 404 until there is one."""
    services.gates.require_support_apis()
    try:
        key = parsed_idempotency_key(idempotency_key)
    except PydanticCustomError:
        raise IdempotencyKeyNotFound from None
    return json_response(keyed_proposal(await services.proposals.keyed(proposals_key(key, client=caller.client))))


@router.get(
    "/{proposal_id}/approvals",
    summary="List the decisions about a proposal",
    response_model=ApprovalsResponse,
    responses=OF_PROPOSAL,
)
async def list_approvals(
    proposal_id: ProposalIdInPath, services: ProcessServices, caller: CallerOfRequest, _: CorrelationIdHeader = None
) -> Response:
    """Review and consent decisions, oldest first."""
    services.gates.require_support_apis()
    return json_response(approvals(proposal_id, await services.proposals.approvals(proposal_id, client=caller.client)))


@router.get(
    "/{proposal_id}/workflow-events",
    summary="Read a proposal's audit trail",
    response_model=WorkflowEventsResponse,
    responses=OF_PROPOSAL,
)
async def list_workflow_events(
    proposal_id: ProposalIdInPath, services: ProcessServices, caller: CallerOfRequest, _: CorrelationIdHeader = None
) -> Response:
    """All events, oldest first, each with the hash of the one before it."""
    services.gates.require_support_apis()
    return json_response(trail(await services.proposals.trail(proposal_id, client=caller.client)))


@router.get(
    "/{proposal_id}/lineage",
    summary="List a proposal's versions",
    response_model=LineageResponse,
    responses=OF_PROPOSAL,
)
async def read_lineage(
    proposal_id: ProposalIdInPath, services: ProcessServices, caller: CallerOfRequest, _: CorrelationIdHeader = None
) -> Response:
    """The proposal and all its versions, ascending, without their contents."""
    services.gates.require_support_apis()
    return json_response(lineage(await services.proposals.lineage(proposal_id, client=caller.client)))

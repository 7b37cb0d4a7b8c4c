"""Endpoints for support and auditors: decisions, trails, lineage, keys, configuration."""

from typing import Annotated, Literal

from fastapi import Path, Response
from pydantic import Field
from pydantic_core import PydanticCustomError

from api.documents.result import SimulationStatus
from api.gates import Gate
from api.http.headers import parsed_idempotency_key
from api.http.parameters import ProposalIdInPath
from api.http.router import OPEN, Context, GuardedRouter
from api.records import ProposalEvent, ProposalSummary
from api.reviews import ApprovalRecord
from api.wire import (
    HASH_EXAMPLE,
    HEX,
    PROPOSAL_ID_EXAMPLE,
    TIMESTAMP_EXAMPLE,
    Hash,
    ProposalId,
    Timestamp,
    VersionId,
    Wire,
    json_response,
)
from domain.access import Scope
from domain.errors import IdempotencyKeyNotFound, ProposalNotFound, StorageUnavailable
from domain.operation import IdempotencyKey
from domain.proposal import ProposalState
from domain.public_links import PROPOSALS_PATH
from services.readiness import Readiness

router = GuardedRouter(PROPOSALS_PATH, gate=Gate.SUPPORT, tag="Support")


class KeyedProposalResponse(Wire):
    """The proposal behind an idempotency key."""

    idempotency_key: str = Field(description="The key that was looked up.", examples=["advice-2026-02-22"])
    request_hash: Hash = Field(description="Hash of the request with this key.", examples=[HASH_EXAMPLE])
    proposal_id: ProposalId = Field(description="The proposal that the key made.", examples=[PROPOSAL_ID_EXAMPLE])
    proposal_version_no: int = Field(description="The version that was made.", examples=[1])
    created_at: Timestamp = Field(description="When the request was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])


class SupportabilityConfig(Wire):
    """The flags in force, and whether the store can be reached."""

    store_backend: Literal["POSTGRES"] = Field(description="The kind of store.", examples=["POSTGRES"])
    backend_ready: bool = Field(description="Whether it can be written to, as `/health/ready` says.", examples=[True])
    backend_init_error: str | None = Field(
        description="The reason if it is not ready: a code, and a sentence if the store can be reached.",
        examples=[None],
    )
    lifecycle_enabled: bool = Field(description="Whether proposals are served.", examples=[True])
    support_apis_enabled: bool = Field(description="Whether approvals, events, lineage are served.", examples=[True])
    async_operations_enabled: bool = Field(description="Whether operations are served.", examples=[True])
    store_evidence_bundle: bool = Field(description="Whether versions show their evidence bundle.", examples=[True])
    require_expected_state: bool = Field(description="Whether reviews must name the state they saw.", examples=[True])
    allow_portfolio_id_change_on_new_version: bool = Field(
        description="Whether a version may be for another portfolio.", examples=[False]
    )
    require_proposal_simulation_flag: bool = Field(
        description="Whether requests must ask for their simulation.", examples=[True]
    )


class ApprovalsResponse(Wire):
    """All decisions about a proposal."""

    proposal_id: ProposalId = Field(
        description="The proposal that the decisions are about.", examples=[PROPOSAL_ID_EXAMPLE]
    )
    approvals: list[ApprovalRecord] = Field(description="The list, oldest first.")


class WorkflowEventsResponse(Wire):
    """A proposal's audit trail."""

    proposal_id: ProposalId = Field(description="The proposal whose trail this is.", examples=[PROPOSAL_ID_EXAMPLE])
    current_state: ProposalState = Field(description="State after the last event.", examples=["DRAFT"])
    events: list[ProposalEvent] = Field(description="The list, oldest first.")


class LineageItem(Wire):
    """A version without its contents."""

    proposal_version_id: VersionId = Field(description="Id of the version, `ppv_...`.", examples=[f"ppv_{HEX}"])
    version_no: int = Field(description="1, 2, 3 without a gap.", examples=[1])
    created_at: Timestamp = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    status_at_creation: SimulationStatus = Field(description="Status of the simulation.", examples=["READY"])
    request_hash: Hash = Field(description="Hash of the request.", examples=[HASH_EXAMPLE])
    simulation_hash: Hash = Field(description="Hash of the result.", examples=[HASH_EXAMPLE])
    artifact_hash: Hash = Field(description="Hash of the artifact.", examples=[HASH_EXAMPLE])


class LineageResponse(Wire):
    """A proposal and all its versions."""

    proposal: ProposalSummary = Field(description="The proposal as it is now.")
    versions: list[LineageItem] = Field(description="All versions in ascending order.")


@router.get(
    "/supportability/config",
    gate=Gate.NONE,
    scopes=OPEN,
    summary="Read how the service is configured",
    response_model=SupportabilityConfig,
)
async def read_config(context: Context) -> Response:
    """The flags in force and whether the store can be reached; available whatever the flags say."""
    readiness = await context.services.readiness.readiness()
    return json_response(
        SupportabilityConfig(
            store_backend="POSTGRES",
            backend_ready=readiness.is_serving,
            backend_init_error=_backend_error(readiness),
            **context.services.flags,
        )
    )


def _backend_error(readiness: Readiness) -> str | None:
    if readiness.is_serving:
        return None
    code = StorageUnavailable.code
    return code if readiness.database == "unreachable" else f"{code}: {readiness.reason}"


@router.get(
    "/idempotency/{idempotency_key:path}",
    scopes={Scope.AUDIT_READ},
    raises=(IdempotencyKeyNotFound,),
    summary="Find a proposal by its idempotency key",
    response_model=KeyedProposalResponse,
)
async def read_keyed_proposal(
    idempotency_key: Annotated[
        str,
        Path(
            description="The idempotency key of a create request; percent-encode reserved characters.",
            examples=["advice-2026-02-22"],
        ),
    ],
    context: Context,
) -> Response:
    """The proposal that a create request with this key made; 404 until it exists."""
    try:
        key = IdempotencyKey.of_creates(parsed_idempotency_key(idempotency_key), client=context.client)
    except PydanticCustomError:
        raise IdempotencyKeyNotFound from None
    keyed = await context.services.proposals.keyed(key)
    return json_response(
        KeyedProposalResponse.from_value(keyed, idempotency_key=keyed.key, proposal_version_no=keyed.version_no)
    )


@router.get(
    "/{proposal_id}/approvals",
    scopes={Scope.AUDIT_READ},
    raises=(ProposalNotFound,),
    summary="List the decisions about a proposal",
    response_model=ApprovalsResponse,
)
async def list_approvals(proposal_id: ProposalIdInPath, context: Context) -> Response:
    """Review and consent decisions, oldest first."""
    recorded = await context.services.proposals.approvals(proposal_id, client=context.client)
    return json_response(ApprovalsResponse(proposal_id=proposal_id, approvals=recorded))


@router.get(
    "/{proposal_id}/workflow-events",
    scopes={Scope.AUDIT_READ},
    raises=(ProposalNotFound,),
    summary="Read a proposal's audit trail",
    response_model=WorkflowEventsResponse,
)
async def list_workflow_events(proposal_id: ProposalIdInPath, context: Context) -> Response:
    """All events, oldest first, each with the hash of the one before it."""
    trail = await context.services.proposals.trail(proposal_id, client=context.client)
    return json_response(WorkflowEventsResponse.from_value(trail.proposal, events=trail.events))


@router.get(
    "/{proposal_id}/lineage",
    scopes={Scope.AUDIT_READ},
    raises=(ProposalNotFound,),
    summary="List a proposal's versions",
    response_model=LineageResponse,
)
async def read_lineage(proposal_id: ProposalIdInPath, context: Context) -> Response:
    """The proposal and all its versions, ascending, without their contents."""
    lineage = await context.services.proposals.lineage(proposal_id, client=context.client)
    return json_response(LineageResponse.from_value(lineage))

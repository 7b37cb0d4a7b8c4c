"""Simulating without a proposal: computed at once, stored by key, never gated by a flag."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from api.access import GuardedJsonRoute
from api.dependencies import CallerOfRequest, CorrelationId, ProcessServices
from api.headers import REPLAYED_HEADER, CorrelationIdHeader, IdempotencyKeyHeader
from api.json_text import StoredJson, json_response
from api.presence import while_connected
from api.problems import problems
from api.schemas.artifact import ProposalArtifact
from api.schemas.simulation import ProposalResult
from api.schemas.submission import SimulationRequest
from domain.access import Caller
from domain.errors import (
    IdempotencyKeyConflict,
    OperationTooExpensive,
    SimulationDisabled,
    SimulationNotStored,
    StorageUnavailable,
)
from domain.evidence import artifact_parts
from services.simulation import AskedSimulation, Simulated

router = APIRouter(prefix="/rebalance/proposals", tags=["Simulations"], route_class=GuardedJsonRoute)

RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The stored answer of this key: the same bytes every time.",
        "headers": REPLAYED_HEADER,
    },
    **problems(
        IdempotencyKeyConflict,
        OperationTooExpensive,
        SimulationDisabled,
        SimulationNotStored,
        StorageUnavailable,
        statuses=(408, 413, 415, 500),
    ),
}


@router.post("/simulate", summary="Simulate a proposal", response_model=ProposalResult, responses=RESPONSES)
async def simulate(
    request: Request,
    body: SimulationRequest,
    idempotency_key: IdempotencyKeyHeader,
    correlation_id: CorrelationId,
    services: ProcessServices,
    caller: CallerOfRequest,
    _: CorrelationIdHeader = None,
) -> Response:
    """The portfolio before and after, the orders, rules, drift, suitability and gate; nothing is proposed by it."""
    simulated = await _simulated(request, services, caller, body, idempotency_key, correlation_id)
    return _answer(simulated, StoredJson(simulated.result))


@router.post("/artifact", summary="Build an artifact", response_model=ProposalArtifact, responses=RESPONSES)
async def build_artifact(
    request: Request,
    body: SimulationRequest,
    idempotency_key: IdempotencyKeyHeader,
    correlation_id: CorrelationId,
    services: ProcessServices,
    caller: CallerOfRequest,
    _: CorrelationIdHeader = None,
) -> Response:
    """What clients and reviewers read of the simulation that this key stands for, with its evidence."""
    simulated = await _simulated(request, services, caller, body, idempotency_key, correlation_id)
    parts = artifact_parts(simulated.artifact, inputs=simulated.inputs, result=simulated.result)
    return _answer(simulated, StoredJson(*parts))


async def _simulated(
    request: Request,
    services: ProcessServices,
    caller: Caller,
    body: SimulationRequest,
    idempotency_key: str,
    correlation_id: str,
) -> Simulated:
    """Raises ClientDisconnect when the caller leaves: what is computed for no other caller is then given up."""
    asked = AskedSimulation(
        request=body,
        prepared=body.prepared,
        client=caller.client,
        key=idempotency_key,
        correlation_id=correlation_id,
    )
    return await while_connected(request, services.simulation.simulate(asked), waits=False)


def _answer(simulated: Simulated, text: StoredJson) -> Response:
    return json_response(text, headers={"Idempotent-Replayed": "true"} if simulated.is_replay else None)

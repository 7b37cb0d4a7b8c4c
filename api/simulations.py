"""Simulating without a proposal: computed at once, stored by key, never gated by a flag."""

from typing import Any, Final

from fastapi import Response

from api.documents.artifact import ProposalArtifact
from api.documents.result import ProposalResult
from api.http.headers import REPLAYED_HEADER, IdempotencyKeyHeader, replayed
from api.http.router import Context, GuardedRouter, Prepared
from api.paths import PREFIX
from api.services import Gate
from api.wire import StoredJson, json_response
from domain.access import Scope
from domain.errors import (
    IdempotencyKeyConflict,
    OperationTooExpensive,
    ServerBusy,
    SimulationDisabled,
    SimulationNotStored,
)
from domain.evidence import artifact_parts
from domain.request import SimulateRequest
from services.prepared_request import PreparedRequest
from services.simulation import SimulateCommand, SimulationAnswer

ERRORS: Final = (IdempotencyKeyConflict, OperationTooExpensive, ServerBusy, SimulationDisabled, SimulationNotStored)
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The stored response of this key: the same bytes every time.",
        "headers": REPLAYED_HEADER,
    },
}

router = GuardedRouter(PREFIX, gate=Gate.NONE, tag="Simulations")


class SimulationInput(SimulateRequest):
    """The request of a simulation without a proposal."""


@router.post(
    "/simulate",
    scopes={Scope.PROPOSALS_WRITE},
    body=SimulationInput,
    raises=ERRORS,
    summary="Simulate a proposal",
    response_model=ProposalResult,
    responses=RESPONSES,
)
async def simulate(prepared: Prepared, idempotency_key: IdempotencyKeyHeader, context: Context) -> Response:
    """The portfolio before and after, the orders, rules, drift, suitability and gate; nothing is proposed by it."""
    simulated = await _simulated(prepared, idempotency_key, context)
    documents = await context.services.simulation.documents(simulated.stored.result_document, room=context.room)
    return json_response(StoredJson(*documents), headers=replayed(is_replay=simulated.is_replay))


@router.post(
    "/artifact",
    scopes={Scope.PROPOSALS_WRITE},
    body=SimulationInput,
    raises=ERRORS,
    summary="Build an artifact",
    response_model=ProposalArtifact,
    responses=RESPONSES,
)
async def build_artifact(prepared: Prepared, idempotency_key: IdempotencyKeyHeader, context: Context) -> Response:
    """The package that people read about the simulation of this key, with its evidence."""
    simulated = await _simulated(prepared, idempotency_key, context)
    stored = simulated.stored
    addresses = (stored.artifact_document, stored.inputs_document, stored.result_document)
    artifact, inputs, result = await context.services.simulation.documents(*addresses, room=context.room)
    parts = artifact_parts(artifact, inputs=inputs, result=result)
    return json_response(StoredJson(*parts), headers=replayed(is_replay=simulated.is_replay))


async def _simulated(prepared: PreparedRequest, idempotency_key: str, context: Context) -> SimulationAnswer:
    """Raises ClientDisconnect when the caller leaves: what is computed for no other caller is then given up."""
    command = SimulateCommand(
        prepared=prepared, client=context.client, key=idempotency_key, correlation_id=context.correlation_id
    )
    return await context.while_connected(context.services.simulation.simulate(command), waits=False)

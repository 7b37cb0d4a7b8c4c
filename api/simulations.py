"""Simulating without a proposal: computed at once and stored by key, or as an operation under the same keys."""

from dataclasses import replace
from typing import Annotated, Any, Final, Self

from fastapi import Response
from pydantic import Field

from api.callbacks import callback_routes
from api.documents.artifact import ProposalArtifact
from api.documents.result import GateDecision, ProposalResult, SimulationStatus
from api.gates import Gate
from api.http.headers import REPLAYED_HEADER, IdempotencyKeyHeader, replayed
from api.http.router import Context, GuardedRouter, Prepared
from api.requests import SimulateProposalRequest, SimulationInput
from api.submissions import answer_accepted, promised, submission_of
from api.wire import HASH_EXAMPLE, Hash, Stored, StoredJson, Wire, json_response
from domain.access import Scope
from domain.errors import (
    IdempotencyKeyConflict,
    OperationTooExpensive,
    ServerBusy,
    SimulationDisabled,
    SimulationNotStored,
)
from domain.evidence import artifact_parts
from domain.operation import IdempotencyKey
from domain.public_links import PROPOSALS_PATH
from services.lookup import MadeSimulation
from services.prepared_request import PreparedRequest
from services.simulation import SimulateCommand, SimulationAnswer

ERRORS: Final = (IdempotencyKeyConflict, OperationTooExpensive, ServerBusy, SimulationDisabled, SimulationNotStored)
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The stored response of this key: the same bytes every time.",
        "headers": REPLAYED_HEADER,
    },
}

router = GuardedRouter(PROPOSALS_PATH, gate=Gate.NONE, tag="Simulations")


class SimulationMade(Wire):
    """What a simulation has made: a version's contents, without a version."""

    request_hash: Hash = Field(description="Hash of the request.", examples=[HASH_EXAMPLE])
    simulation_hash: Hash = Field(description="Hash of the result.", examples=[HASH_EXAMPLE])
    artifact_hash: Hash = Field(description="Hash of the artifact.", examples=[HASH_EXAMPLE])
    status: SimulationStatus = Field(description="Status of the simulation.", examples=["READY"])
    proposal_result: Annotated[StoredJson, Stored(ProposalResult)] = Field(
        description="The result, byte for byte what `POST /simulate` answers for this key."
    )
    artifact: Annotated[StoredJson, Stored(ProposalArtifact)] = Field(
        description="The artifact, byte for byte what `POST /artifact` answers for this key."
    )
    gate_decision: Annotated[StoredJson, Stored(GateDecision)] | None = Field(description="The result's gate decision.")

    @classmethod
    def of(cls, made: MadeSimulation) -> Self:
        return cls.from_value(
            made.operation,
            status=made.operation.simulation_status,
            proposal_result=made.result,
            artifact=StoredJson(*artifact_parts(made.artifact, inputs=made.inputs, result=made.result)),
            gate_decision=made.gate_decision,
        )


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


@promised(
    router,
    "/simulate",
    body=SimulateProposalRequest,
    summary="Submit a simulation",
    callbacks=callback_routes("submit_simulation"),
)
async def submit_simulation(prepared: Prepared, idempotency_key: IdempotencyKeyHeader, context: Context) -> Response:
    """Accept a simulation as an operation, whose `result` holds result and artifact.

    It shares its keys with the simulations that are answered at once: there is one stored result of a key,
    whichever endpoint computes it. A key that has one already is answered with an operation that has SUCCEEDED.
    """
    return await _accepted(prepared, idempotency_key, context)


@promised(
    router,
    "/artifact",
    body=SimulateProposalRequest,
    summary="Submit an artifact",
    callbacks=callback_routes("submit_artifact"),
)
async def submit_artifact(prepared: Prepared, idempotency_key: IdempotencyKeyHeader, context: Context) -> Response:
    """The same as submitting a simulation: one operation makes both, under either path."""
    return await _accepted(prepared, idempotency_key, context)


async def _accepted(prepared: PreparedRequest, idempotency_key: str, context: Context) -> Response:
    """The body names no author, so the caller is the author."""
    key = IdempotencyKey.of_simulations(idempotency_key, client=context.client)
    authored = replace(prepared, author=context.caller.actor)
    return await answer_accepted(context, submission_of(authored, context, key=key))


async def _simulated(prepared: PreparedRequest, idempotency_key: str, context: Context) -> SimulationAnswer:
    """Raises ClientDisconnect when the caller leaves: a computation without another caller is then given up."""
    command = SimulateCommand(
        prepared=prepared, client=context.client, key=idempotency_key, correlation_id=context.correlation_id
    )
    return await context.while_connected(context.services.simulation.simulate(command), waits=False)

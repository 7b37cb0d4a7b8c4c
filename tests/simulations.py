"""Simulations for tests, in both ways: at once, and as operations whose steps run here."""

from typing import Any

from builders import a_body
from storage_rows import InProcess, Steps, all_the_room, submitting

from domain.callback import CallbackSubscription
from domain.evidence import artifact_parts
from domain.operation import IdempotencyKey, Operation
from domain.request import SimulateRequest
from services.lookup import LookupService, MadeSimulation
from services.prepared_request import PreparedRequest
from services.simulation import SimulateCommand, SimulationAnswer, SimulationService
from services.submission import Accepted, Submission
from storage.unit_of_work import Storage

SIMULATE, ARTIFACT = "/rebalance/proposals/simulate", "/rebalance/proposals/artifact"


def a_simulation(*, quantity: str = "2", **changes: Any) -> dict[str, Any]:
    """A body; another quantity is another request."""
    request: dict[str, Any] = a_body()["simulate_request"]
    request["proposed_trades"][0]["quantity"] = quantity
    return request | changes


def a_prepared(body: dict[str, Any] | None = None, *, callback: CallbackSubscription | None = None) -> PreparedRequest:
    request = SimulateRequest.model_validate(body or a_simulation())
    return PreparedRequest.of(request, callback=callback)


async def asked(
    storage: Storage, body: dict[str, Any] | None = None, *, key: str = "key-1", correlation_id: str = "sync-1"
) -> SimulationAnswer:
    """As the synchronous endpoints do."""
    command = SimulateCommand(prepared=a_prepared(body), client="local", key=key, correlation_id=correlation_id)
    return await SimulationService(storage, InProcess(), large_request_rows=1000).simulate(command)


async def submitted(
    storage: Storage, body: dict[str, Any] | None = None, *, key: str = "key-1", correlation_id: str = "async-1"
) -> Accepted:
    """As the asynchronous endpoints do."""
    submission = Submission(
        prepared=a_prepared(body),
        client="local",
        key=IdempotencyKey.of_simulations(key, client="local"),
        correlation_id=correlation_id,
    )
    return await submitting(storage).submit(submission)


async def accepted(storage: Storage, body: dict[str, Any] | None = None, **changes: str) -> Operation:
    operation = (await submitted(storage, body, **changes)).operation
    assert isinstance(operation, Operation)
    return operation


async def ran(storage: Storage, operation_id: str) -> Operation:
    """The operation after its steps."""
    steps = Steps(storage, pool=InProcess())
    await steps.simulate(operation_id)
    await steps.build(operation_id)
    await steps.persist_simulation(operation_id)
    return await LookupService(storage).operation(operation_id, client="local")


async def made_by(storage: Storage, operation_id: str) -> MadeSimulation:
    lookup = LookupService(storage)
    made = await lookup.result(await lookup.operation(operation_id, client="local"), room=all_the_room)
    assert isinstance(made, MadeSimulation)
    return made


async def bytes_of(storage: Storage, answer: SimulationAnswer) -> tuple[bytes, bytes]:
    """What the two synchronous endpoints answer."""
    service = SimulationService(storage, InProcess(), large_request_rows=1000)
    result, inputs, artifact = await service.documents(*answer.stored, room=all_the_room)
    return result, whole_artifact(result, inputs, artifact)


def whole_artifact(result: bytes, inputs: bytes, artifact: bytes) -> bytes:
    return b"".join(artifact_parts(artifact, inputs=inputs, result=result))

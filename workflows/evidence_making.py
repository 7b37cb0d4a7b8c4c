"""The steps of a create or simulation: simulate, build the artifact, commit."""

from collections.abc import Awaitable, Callable

from workflows import policies, steps
from workflows.messages import (
    BuildArtifactInput,
    CreateInput,
    OperationOutcome,
    PersistInput,
    PersistResult,
    SimulateInput,
)
from workflows.step_runner import StepRunner

Persist = Callable[[PersistInput], Awaitable[PersistResult]]


async def make_evidence(
    start: CreateInput, runner: StepRunner, *, persist: Persist, commits: str = "proposal, version, event and outcome"
) -> OperationOutcome:
    """The end of the operation; `persist` is the step that commits what was made, and `commits` says what."""
    simulated = await runner.run(
        steps.simulate,
        SimulateInput(operation_id=start.operation_id, is_large=start.is_large),
        is_at_once=start.is_large,
        options=policies.COMPUTE,
        summary="Simulate the proposal",
    )
    if simulated.ended is not None:
        return simulated.ended
    built = await runner.run(
        steps.build_artifact,
        BuildArtifactInput(operation_id=start.operation_id, is_large=start.is_large),
        is_at_once=start.is_large,
        options=policies.COMPUTE,
        summary=f"Build the artifact of a {simulated.simulation_status} simulation",
    )
    if built.ended is not None:
        return built.ended
    persisted = await runner.run(
        persist,
        PersistInput(operation_id=start.operation_id),
        is_at_once=start.is_large,
        options=policies.COMPUTE,  # it computes what its worker has not made
        summary=f"Commit {commits}",
    )
    return persisted.outcome

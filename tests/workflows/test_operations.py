import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from fake_steps import FakeSteps, outage_for, refusal
from sandbox import sandboxed_runner
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from waiting import PATIENCE_SECONDS

from workflows import policies
from workflows.create_proposal import CreateProposal
from workflows.create_version import CreateVersion
from workflows.messages import CreateInput, OperationOutcome
from workflows.simulate_proposal import SimulateProposal


@asynccontextmanager
async def started(
    environment: WorkflowEnvironment,
    steps: FakeSteps,
    *,
    is_large: bool = False,
    workflow: type[CreateProposal | CreateVersion | SimulateProposal] = CreateProposal,
) -> AsyncIterator[WorkflowHandle]:
    operation_id = f"pop_{uuid.uuid4().hex}"
    queue = f"tq-{operation_id}"
    async with Worker(
        environment.client,
        task_queue=queue,
        workflows=[workflow],
        activities=steps.registered(),
        workflow_runner=sandboxed_runner(),
    ):
        yield await environment.client.start_workflow(
            workflow.run,
            CreateInput(operation_id=operation_id, is_large=is_large),
            id=operation_id,
            task_queue=queue,
            task_timeout=timedelta(minutes=2),  # the longest: a busy machine adds no task to the history
        )


async def failure_of(handle: WorkflowHandle) -> ApplicationError:
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    assert isinstance(failed.value.cause, ApplicationError)
    return failed.value.cause


async def test_a_small_operation_runs_its_steps_locally(skipping):
    steps = FakeSteps()
    async with started(skipping, steps) as handle:
        outcome = await handle.result()
        history = await handle.fetch_history()
    assert outcome == steps.outcome
    assert steps.local == [("simulate", True), ("build_artifact", True), ("persist", True)]
    assert [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events] == [
        "WORKFLOW_EXECUTION_STARTED",
        "WORKFLOW_TASK_SCHEDULED",
        "WORKFLOW_TASK_STARTED",
        "WORKFLOW_TASK_COMPLETED",
        *("MARKER_RECORDED",) * 3,
        "WORKFLOW_EXECUTION_COMPLETED",
    ]


async def test_a_version_is_committed_by_its_own_step(skipping):
    steps = FakeSteps()
    async with started(skipping, steps, workflow=CreateVersion) as handle:
        outcome = await handle.result()
    assert outcome.version_no == 2
    assert steps.local == [("simulate", True), ("build_artifact", True), ("persist_version", True)]


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
async def test_a_simulation_is_committed_by_its_own_step_and_says_what_it_made(skipping, is_large):
    steps = FakeSteps()
    async with started(skipping, steps, workflow=SimulateProposal, is_large=is_large) as handle:
        outcome = await handle.result()
        shown = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert outcome == steps.outcome
    assert steps.local == [(name, not is_large) for name in ("simulate", "build_artifact", "persist_simulation")] + (
        [("finish", True)] if is_large else []
    )
    assert shown.current_details == "**SUCCEEDED**: simulation READY\n\nartifact `sha256:0`"


async def test_what_the_commit_of_a_version_refuses_fails_the_workflow_with_the_same_words(skipping):
    steps = FakeSteps(persist_version=lambda _: refused_version())
    async with started(skipping, steps, workflow=CreateVersion) as handle:
        cause = await failure_of(handle)
    assert (cause.type, cause.message) == ("ProposalStateConflictError", "VERSION_CONFLICT")
    assert steps.calls == {"simulate": 1, "build_artifact": 1, "persist_version": 1, "finish": 1}
    assert steps.outcome is not None
    assert steps.outcome.error_message == "VERSION_CONFLICT"


def refused_version() -> ApplicationError:
    return ApplicationError("VERSION_CONFLICT", type="ProposalStateConflictError", non_retryable=True)


async def test_a_large_operation_runs_normal_activities_at_once(skipping):
    steps = FakeSteps()
    async with started(skipping, steps, is_large=True) as handle:
        await handle.result()
    assert steps.local == [("simulate", False), ("build_artifact", False), ("persist", False), ("finish", True)]


@pytest.mark.parametrize("step", ["simulate", "build_artifact", "persist"])
async def test_an_outage_is_waited_out_in_a_normal_activity(skipping, step):
    """Two local tries, then one pending activity, which adds no history however often it is tried."""
    steps = FakeSteps(**{step: outage_for(5)})
    async with started(skipping, steps) as handle:
        outcome = await handle.result()
        history_length = (await handle.describe()).history_length
    assert outcome.status == "SUCCEEDED"
    assert steps.calls[step] == 6
    assert [local for name, local in steps.local if name == step][:3] == [True, True, False]
    assert history_length <= 23


async def test_a_business_failure_is_recorded_and_fails_the_workflow_with_the_same_words(skipping):
    steps = FakeSteps(simulate=refusal)
    async with started(skipping, steps) as handle:
        cause = await failure_of(handle)
    assert steps.calls == {"simulate": 1, "finish": 1}
    assert steps.outcome is not None
    assert (cause.type, cause.message) == (steps.outcome.error_code, steps.outcome.error_message)
    assert cause.message.startswith("PROPOSAL_SIMULATION_DISABLED")
    assert cause.non_retryable


async def test_what_the_boundary_gives_up_ends_as_an_internal_error(skipping):
    def gives_up(call: int) -> Exception:
        if call < 4:
            return ApplicationError("an unexpected error", type="UnexpectedError")
        return ApplicationError("OPERATION_INTERNAL_ERROR", type="ProposalInternalError", non_retryable=True)

    steps = FakeSteps(build_artifact=gives_up)
    async with started(skipping, steps) as handle:
        cause = await failure_of(handle)
    assert (cause.type, cause.message) == ("ProposalInternalError", "OPERATION_INTERNAL_ERROR")
    assert steps.calls["build_artifact"] == 4


async def test_an_outage_that_outlasts_the_step_times_the_operation_out(skipping, monkeypatch):
    assert policies.COMPUTE["schedule_to_close_timeout"] == timedelta(hours=24)
    monkeypatch.setitem(policies.COMPUTE, "schedule_to_close_timeout", timedelta(seconds=2))
    steps = FakeSteps(persist=outage_for(10**9))
    async with started(skipping, steps) as handle:
        cause = await failure_of(handle)
    assert (cause.type, cause.message) == ("ProposalOperationTimedOutError", "OPERATION_TIMED_OUT")


@pytest.mark.parametrize("is_large", [False, True])
async def test_a_cancel_in_temporal_ends_the_operation_as_cancelled(skipping, is_large):
    steps = FakeSteps(simulate=outage_for(10**9))
    async with started(skipping, steps, is_large=is_large) as handle:
        while not steps.calls["simulate"]:
            await asyncio.sleep(0.05)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
    assert isinstance(failed.value.cause, CancelledError)
    assert steps.outcome is not None
    assert (steps.outcome.error_code, steps.outcome.error_message) == (
        "ProposalOperationCancelledError",
        "OPERATION_CANCELLED",
    )


async def test_a_step_that_finds_the_operation_ended_ends_the_workflow_with_that_outcome(skipping):
    steps = FakeSteps()
    steps.outcome = OperationOutcome(
        operation_id="pop_1",
        status="FAILED",
        error_code="ProposalOperationCancelledError",
        error_message="OPERATION_CANCELLED",
    )
    async with started(skipping, steps) as handle:
        cause = await failure_of(handle)
    assert cause.message == "OPERATION_CANCELLED"
    assert steps.calls == {"simulate": 1}


async def test_input_that_does_not_validate_fails_the_workflow_instead_of_retrying_for_ever(skipping):
    queue = f"tq-{uuid.uuid4()}"
    async with Worker(
        skipping.client, task_queue=queue, workflows=[CreateProposal], activities=FakeSteps().registered()
    ):
        handle = await skipping.client.start_workflow(
            "CreateProposal", {"operation_id": 7}, id=str(uuid.uuid4()), task_queue=queue
        )
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)

"""The workflow of a batch: lanes in turns, one conclusion, a short history."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sandbox import sandboxed_runner
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from waiting import PATIENCE_SECONDS

from workflows.analyze_scenarios import AnalyzeScenarios
from workflows.identity import BATCHES_QUEUE
from workflows.messages import (
    AnalyzeChunksInput,
    AnalyzeChunksResult,
    AnalyzeInput,
    ConcludeBatchInput,
    ConcludeBatchResult,
    FinishInput,
    FinishResult,
    OperationOutcome,
    RunCounts,
)

RUNS = RunCounts(total=1500, succeeded=1497, failed=3, failures={"VALIDATION_FAILED": 3})


class FakeBatch:
    """Lanes that are done after so many turns, and a conclusion that finds open chunks so many times."""

    def __init__(self, *, turns: int = 1, rounds: int = 1, failure: Exception | None = None) -> None:
        self._turns = turns
        self._rounds = rounds
        self._failure = failure
        self.turns: Counter[int] = Counter()
        self.queues: set[tuple[str, str]] = set()
        self.rounds = 0
        self.outcome: OperationOutcome | None = None

    def registered(self) -> list[Callable]:
        return [self.conclude_batch, self.finish]

    @activity.defn(name="analyze_chunks")
    async def analyze_chunks(self, step: AnalyzeChunksInput) -> AnalyzeChunksResult:
        self.queues.add(("analyze_chunks", activity.info().task_queue))
        self.turns[step.lane] += 1
        if self._failure is not None and step.lane == 1:
            raise self._failure
        return AnalyzeChunksResult(is_done=self.turns[step.lane] >= self._turns)

    @activity.defn(name="conclude_batch")
    async def conclude_batch(self, step: ConcludeBatchInput) -> ConcludeBatchResult:
        self.rounds += 1
        if self.rounds < self._rounds:
            return ConcludeBatchResult()
        self.outcome = OperationOutcome(operation_id=step.operation_id, status="SUCCEEDED", runs=RUNS)
        return ConcludeBatchResult(outcome=self.outcome)

    @activity.defn(name="finish")
    async def finish(self, step: FinishInput) -> FinishResult:
        if self.outcome is None:
            self.outcome = OperationOutcome(
                operation_id=step.operation_id,
                status="FAILED",
                error_code=step.error_code,
                error_message=step.error_message,
                runs=RunCounts(total=1500, succeeded=25, failed=0),
            )
        runs = self.outcome.runs and self.outcome.runs.model_copy(update={"failures": {}})
        return FinishResult(outcome=self.outcome.model_copy(update={"runs": runs}))


@asynccontextmanager
async def started(
    environment: WorkflowEnvironment, steps: FakeBatch, *, lanes: int = 4
) -> AsyncIterator[WorkflowHandle]:
    operation_id = f"pop_{uuid.uuid4().hex}"
    queue = f"tq-{operation_id}"
    async with (
        Worker(environment.client, task_queue=BATCHES_QUEUE, activities=[steps.analyze_chunks]),
        Worker(
            environment.client,
            task_queue=queue,
            workflows=[AnalyzeScenarios],
            activities=steps.registered(),
            workflow_runner=sandboxed_runner(),
        ),
    ):
        start = AnalyzeInput(operation_id=operation_id, lanes=lanes)
        yield await environment.client.start_workflow(AnalyzeScenarios.run, start, id=operation_id, task_queue=queue)


async def test_each_lane_takes_turns_until_it_is_done_and_then_the_batch_is_concluded(skipping):
    steps = FakeBatch(turns=3)
    async with started(skipping, steps) as handle:
        outcome = await handle.result()
        history = await handle.fetch_history()
    assert steps.turns == {0: 3, 1: 3, 2: 3, 3: 3}
    assert steps.queues == {("analyze_chunks", BATCHES_QUEUE)}
    assert steps.rounds == 1
    assert outcome == steps.outcome
    scheduled = [event for event in history.events if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
    summaries = [event.user_metadata.summary.data.decode().strip('"') for event in scheduled]
    assert set(summaries[:4]) == {f"Lane {lane} of 4" for lane in range(1, 5)}
    assert summaries[-1] == "Add up the runs and commit the outcome"


async def test_chunks_that_are_left_are_done_in_another_round(skipping):
    steps = FakeBatch(rounds=3)
    async with started(skipping, steps, lanes=2) as handle:
        assert (await handle.result()).status == "SUCCEEDED"
    assert (steps.turns, steps.rounds) == ({0: 3, 1: 3}, 3)


async def test_operators_read_how_many_runs_there_were_and_what_failed(skipping):
    steps = FakeBatch()
    async with started(skipping, steps, lanes=1) as handle:
        await handle.result()
        current = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert current.current_details == "**SUCCEEDED**: 1497 of 1500 runs, failures: VALIDATION_FAILED 3"


async def test_a_step_that_fails_for_good_ends_the_operation_and_the_other_lanes(skipping):
    refused = ApplicationError("OPERATION_INTERNAL_ERROR", type="ProposalInternalError", non_retryable=True)
    steps = FakeBatch(turns=10**9, failure=refused)
    async with started(skipping, steps) as handle:
        with pytest.raises(WorkflowFailureError) as failed:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await handle.result()
        current = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.message == "OPERATION_INTERNAL_ERROR"
    assert current.current_details == "**FAILED**: OPERATION_INTERNAL_ERROR after 25 of 1500 runs"


async def test_the_history_of_the_largest_batch_is_short(skipping):
    """50,000 runs are some 300 s of one worker, and thirty turns a lane."""
    steps = FakeBatch(turns=30)
    async with started(skipping, steps) as handle:
        await handle.result()
        length = (await handle.describe()).history_length
    assert length <= 1_000

"""Computing a batch: lanes over the table of its chunks, in short turns, and then one commit."""

import asyncio
from functools import partial

from pydantic import ValidationError
from temporalio import workflow

from domain.operation import OperationType
from workflows import policies, steps
from workflows.identity import WORKFLOW_TYPES
from workflows.messages import AnalyzeChunksInput, AnalyzeInput, ConcludeBatchInput, OperationOutcome
from workflows.operation_run import run_operation
from workflows.step_runner import StepRunner


# Input that does not validate would otherwise retry the workflow task for ever.
@workflow.defn(name=WORKFLOW_TYPES[OperationType.ANALYZE_SCENARIOS], failure_exception_types=[ValidationError])
class AnalyzeScenarios:
    @workflow.run
    async def run(self, start: AnalyzeInput) -> OperationOutcome:
        return await run_operation(start, partial(_analyze, start))


async def _analyze(start: AnalyzeInput, runner: StepRunner) -> OperationOutcome:
    """The end of the batch. Chunks that are left when all lanes are done are computed in another round."""
    while True:
        await _all_lanes(start, runner)
        concluded = await runner.run(
            steps.conclude_batch,
            ConcludeBatchInput(operation_id=start.operation_id),
            is_at_once=True,
            options=policies.COMPUTE,
            summary="Add up the runs and commit the outcome",
        )
        if concluded.outcome is not None:
            return concluded.outcome


async def _all_lanes(start: AnalyzeInput, runner: StepRunner) -> None:
    lanes = [asyncio.create_task(_lane(start, runner, lane)) for lane in range(start.lanes)]
    try:
        await asyncio.gather(*lanes)
    finally:
        for lane in lanes:
            lane.cancel()


async def _lane(start: AnalyzeInput, runner: StepRunner, lane: int) -> None:
    """Turns of a few seconds: several batches share the slots of the workers."""
    is_done = False
    while not is_done:
        turn = await runner.run(
            steps.analyze_chunks,
            AnalyzeChunksInput(operation_id=start.operation_id, lane=lane, lanes=start.lanes),
            is_at_once=True,
            options=policies.BATCH,
            summary=f"Lane {lane + 1} of {start.lanes}",
        )
        is_done = turn.is_done

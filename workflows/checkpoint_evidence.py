"""The hourly checkpoint of all trails."""

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows import policies, steps
from workflows.identity import CHECKPOINT_EVIDENCE, CHECKPOINT_ID
from workflows.messages import CheckpointInput, CheckpointResult, HousekeepingInput


# What this code cannot go on with fails: the next run takes a checkpoint of all that this one would have seen.
@workflow.defn(name=CHECKPOINT_EVIDENCE, failure_exception_types=[ValidationError, workflow.NondeterminismError])
class CheckpointEvidence:
    @workflow.run
    async def run(self, _start: HousekeepingInput) -> CheckpointResult:
        if not workflow.info().workflow_id.startswith(CHECKPOINT_ID):
            raise ApplicationError(
                f"it runs by the schedule {CHECKPOINT_ID} only: nothing was changed", non_retryable=True
            )
        taken = await workflow.execute_activity(
            steps.checkpoint, CheckpointInput(), summary="Sign where all trails end", **policies.CHECKPOINT
        )
        workflow.set_current_details(
            f"checkpoint {taken.checkpoint_no}: {taken.proposals} proposals, {taken.changed} of them changed"
        )
        return taken

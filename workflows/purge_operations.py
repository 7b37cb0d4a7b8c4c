"""The hourly removal of what has been kept for long enough."""

from typing import Final

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows import policies, steps
from workflows.identity import PURGE_ID, PURGE_OPERATIONS
from workflows.messages import HousekeepingInput, PurgeInput, PurgeResult

MAX_STEPS: Final = 100  # the next run goes on where this one stopped


# What this code cannot go on with fails: the next run does the rest.
@workflow.defn(name=PURGE_OPERATIONS, failure_exception_types=[ValidationError, workflow.NondeterminismError])
class PurgeOperations:
    @workflow.run
    async def run(self, _start: HousekeepingInput) -> PurgeResult:
        if not workflow.info().workflow_id.startswith(PURGE_ID):
            raise ApplicationError(f"it runs by the schedule {PURGE_ID} only: nothing was changed", non_retryable=True)
        total = PurgeResult(is_done=False)
        for _ in range(MAX_STEPS):
            removed = await workflow.execute_activity(
                steps.purge, PurgeInput(), summary="Remove what has been kept for long enough", **policies.PURGE
            )
            total = PurgeResult(
                operations=total.operations + removed.operations,
                keys=total.keys + removed.keys,
                tombstones=total.tombstones + removed.tombstones,
                simulations=total.simulations + removed.simulations,
                documents=total.documents + removed.documents,
                is_done=removed.is_done,
            )
            workflow.set_current_details(
                f"removed {total.operations} operations, {total.keys} keys, {total.tombstones} tombstones, "
                f"{total.simulations} simulations, {total.documents} documents"
            )
            if removed.is_done:
                break
        return total

"""Reconciling operations that make no progress, every ten seconds."""

from typing import Final

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from workflows import policies, steps
from workflows.identity import RECONCILE_ID, RECONCILE_OPERATIONS
from workflows.messages import HousekeepingInput, ReconcileDeliveriesInput, ReconcileInput, ReconcileResult

# After the loss of Temporal's data everything open is due at once: a look goes on while there is more.
MAX_BATCHES: Final = 50


# A run that this code cannot continue fails, and the worker's upkeep starts another: nothing is lost with a run.
@workflow.defn(name=RECONCILE_OPERATIONS, failure_exception_types=[ValidationError, workflow.NondeterminismError])
class ReconcileOperations:
    """One goes on under `reconcile-operations`; a trigger of the schedule with this id looks once."""

    @workflow.run
    async def run(self, start: HousekeepingInput) -> ReconcileResult:
        info = workflow.info()
        if info.workflow_id.startswith(f"{RECONCILE_ID}-"):
            return await _look()
        if info.workflow_id != RECONCILE_ID:
            raise ApplicationError(f"it runs under the id {RECONCILE_ID} only: nothing was changed", non_retryable=True)
        while True:
            try:
                await _look()
            except ActivityError as failure:
                if is_cancelled_exception(failure):
                    raise
                workflow.set_current_details("the last look failed; the next one comes in ten seconds")
            await workflow.sleep(policies.RECONCILE_INTERVAL, summary="The next look")
            if info.is_continue_as_new_suggested() or workflow.now() - info.start_time > policies.RECONCILE_RUN:
                workflow.continue_as_new(start)


async def _look() -> ReconcileResult:
    total = ReconcileResult()
    start = ReconcileInput()
    for _ in range(MAX_BATCHES):
        batch = await workflow.execute_activity(
            steps.reconcile, start, summary="Look at open operations without progress", **policies.RECONCILE
        )
        total = total.plus(batch)
        if batch.is_paused:
            workflow.set_current_details(f"paused, as the schedule `{RECONCILE_ID}` is")
            return total
        workflow.set_current_details(
            f"examined {total.examined}, started again {total.restarted}, ended {total.ended}, "
            f"workflows cancelled {total.cancelled}"
        )
        # Running workflows that only wait for something are looked at a batch a look, however many they are.
        if batch.examined < start.batch_size or not batch.restarted + batch.ended:
            break
    await workflow.execute_activity(
        steps.reconcile_deliveries,
        ReconcileDeliveriesInput(),
        summary="Look at overdue callbacks",
        **policies.RECONCILE,
    )
    return total

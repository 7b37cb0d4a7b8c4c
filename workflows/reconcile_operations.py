"""The scheduled look at operations that have stopped moving."""

from typing import Final

from pydantic import ValidationError
from temporalio import workflow

from workflows import policies, steps
from workflows.identity import RECONCILE_OPERATIONS
from workflows.messages import ReconcileDeliveriesInput, ReconcileInput, ReconcileResult

# After the loss of Temporal's data everything open is due at once: a run goes on while there is more, within the time
# that its schedule gives it.
MAX_BATCHES: Final = 50


@workflow.defn(name=RECONCILE_OPERATIONS, failure_exception_types=[ValidationError])
class ReconcileOperations:
    @workflow.run
    async def run(self, order: ReconcileInput) -> ReconcileResult:
        total = ReconcileResult()
        for _ in range(MAX_BATCHES):
            batch = await workflow.execute_activity(
                steps.reconcile, order, summary="Look at open operations without progress", **policies.RECONCILE
            )
            total = total.plus(batch)
            workflow.set_current_details(
                f"examined {total.examined}, started again {total.restarted}, ended {total.ended}, "
                f"workflows cancelled {total.cancelled}"
            )
            # Running workflows that only wait for something are looked at a batch a run, however many they are.
            if batch.examined < order.batch_size or not batch.restarted + batch.ended:
                break
        await workflow.execute_activity(
            steps.reconcile_deliveries,
            ReconcileDeliveriesInput(),
            summary="Look at overdue callbacks",
            **policies.RECONCILE,
        )
        return total

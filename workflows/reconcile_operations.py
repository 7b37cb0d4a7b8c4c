"""The scheduled look at operations that have stopped moving."""

from pydantic import ValidationError
from temporalio import workflow

from workflows import policies, steps
from workflows.identity import RECONCILE_OPERATIONS
from workflows.messages import ReconcileDeliveriesInput, ReconcileInput, ReconcileResult


@workflow.defn(name=RECONCILE_OPERATIONS, failure_exception_types=[ValidationError])
class ReconcileOperations:
    @workflow.run
    async def run(self, order: ReconcileInput) -> ReconcileResult:
        result = await workflow.execute_activity(
            steps.reconcile, order, summary="Look at open operations without progress", **policies.RECONCILE
        )
        workflow.set_current_details(
            f"examined {result.examined}, started again {result.restarted}, ended {result.ended}"
        )
        await workflow.execute_activity(
            steps.reconcile_deliveries,
            ReconcileDeliveriesInput(),
            summary="Look at overdue callbacks",
            **policies.RECONCILE,
        )
        return result

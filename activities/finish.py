"""Step `finish`: record why an operation failed, unless it has ended already."""

from typing import Final

from temporalio import activity
from temporalio.client import Client

from activities.boundary import boundary
from activities.outcome import outcome_of
from activities.work_at_hand import WorkAtHand
from domain.errors import OperationCancelled
from domain.operation import Operation, OperationFailure
from services.ending import end_failed
from services.workflow_end import identity_of_end
from storage.unit_of_work import Storage
from workflows.messages import FinishInput, FinishResult

CANCELLED: Final = OperationFailure.of(OperationCancelled)


class FinishStep:
    def __init__(self, storage: Storage, work: WorkAtHand, client: Client) -> None:
        self._storage = storage
        self._work = work
        self._client = client

    @activity.defn(name="finish")
    @boundary
    async def finish(self, step: FinishInput) -> FinishResult:
        failure = OperationFailure(code=step.error_code, message=step.error_message)
        operation: Operation = await self._work.get(step.operation_id)
        if not operation.is_terminal:
            elapsed = self._work.elapsed(step.operation_id)
            operation = await end_failed(
                self._storage,
                step.operation_id,
                failure,
                cancelled_by=await self._canceller() if failure == CANCELLED else None,
                elapsed=elapsed,
            )
        self._work.forget(step.operation_id)
        return FinishResult(outcome=outcome_of(operation))

    async def _canceller(self) -> str | None:
        """A cancel of the API ends the row before it reaches the workflow: an open row was cancelled in Temporal."""
        info = activity.info()
        if info.workflow_id is None:
            return None
        return await identity_of_end(self._client, info.workflow_id, run_id=info.workflow_run_id)

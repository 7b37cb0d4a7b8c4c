"""Step `finish`: record why an operation failed, unless it has ended already."""

from temporalio import activity

from activities.boundary import boundary
from activities.outcome import outcome_of
from activities.work_at_hand import WorkAtHand
from domain.operation import Operation, OperationFailure
from services.ending import end_failed
from storage.unit_of_work import Storage
from workflows.messages import FinishInput, FinishResult


class FinishStep:
    def __init__(self, storage: Storage, work: WorkAtHand) -> None:
        self._storage = storage
        self._work = work

    @activity.defn(name="finish")
    @boundary
    async def finish(self, step: FinishInput) -> FinishResult:
        failure = OperationFailure(code=step.error_code, message=step.error_message)
        operation: Operation = await self._work.get(step.operation_id)
        if not operation.is_terminal:
            elapsed = self._work.elapsed(step.operation_id)
            operation = await end_failed(self._storage, step.operation_id, failure, elapsed=elapsed)
        self._work.forget(step.operation_id)
        return FinishResult(outcome=outcome_of(operation))

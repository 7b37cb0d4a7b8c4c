"""Step `finish`: record why an operation failed, unless it has ended already."""

from temporalio import activity

from activities.boundary import boundary
from activities.outcome import load_operation, outcome_of
from domain.operation import OperationFailure
from services.ending import end_failed
from storage.unit_of_work import Storage
from workflows.messages import FinishInput, FinishResult


class FinishStep:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @activity.defn(name="finish")
    @boundary
    async def finish(self, step: FinishInput) -> FinishResult:
        failure = OperationFailure(code=step.error_code, message=step.error_message)
        operation = await load_operation(self._storage, step.operation_id)
        if not operation.is_terminal:
            operation = await end_failed(self._storage, step.operation_id, failure)
        return FinishResult(outcome=outcome_of(operation))

"""The row of a step's operation, and the outcome that its workflow gets once the operation has ended."""

import structlog

from activities.own_workflow import require_own_workflow
from domain.errors import OperationNotFound
from domain.operation import Operation
from storage.unit_of_work import Storage
from workflows.messages import OperationOutcome


async def load_operation(storage: Storage, operation_id: str) -> Operation:
    """The row of the operation whose workflow runs this step.

    Raises ForeignWorkflow, and OperationNotFound when the row is gone: an older backup was restored, or it was purged.
    """
    async with storage.reading() as reading:
        operation = await reading.operations.get(operation_id)
    if operation is None:
        raise OperationNotFound
    require_own_workflow(operation)
    log_as_work_of(operation.correlation_id)
    return operation


def log_as_work_of(correlation_id: str) -> None:
    """Add the operation's correlation id to the log records of this activity from now on."""
    structlog.contextvars.bind_contextvars(correlation_id=correlation_id)


def outcome_of(operation: Operation) -> OperationOutcome:
    """The outcome of an operation that has ended."""
    return OperationOutcome(
        operation_id=operation.operation_id,
        status="SUCCEEDED" if operation.status == "SUCCEEDED" else "FAILED",
        proposal_id=operation.proposal_id,
        version_no=operation.version_no,
        simulation_status=operation.simulation_status,
        artifact_hash=operation.artifact_hash,
        error_code=operation.error_code,
        error_message=operation.error_message,
        has_callback=operation.has_callback,
    )

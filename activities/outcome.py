"""How an ended operation is told to its workflow."""

import structlog

from activities.own_workflow import require_own_workflow
from domain.errors import OperationNotFound
from storage.operations import OperationWork
from storage.unit_of_work import Storage
from workflows.messages import OperationOutcome


async def load_work(storage: Storage, operation_id: str) -> OperationWork:
    """The row of the operation whose workflow runs this step.

    Raises ForeignWorkflow, and OperationNotFound when the row is gone: an older backup was restored, or it was purged.
    """
    async with storage.reading() as reading:
        work = await reading.operations.work(operation_id)
    if work is None:
        raise OperationNotFound
    require_own_workflow(work)
    log_as_work_of(work.correlation_id)
    return work


def log_as_work_of(correlation_id: str) -> None:
    """What this activity logs from now on carries the correlation id of its operation."""
    structlog.contextvars.bind_contextvars(correlation_id=correlation_id)


def outcome_of(work: OperationWork) -> OperationOutcome:
    """The outcome of an operation that has ended."""
    return OperationOutcome(
        operation_id=work.operation_id,
        status="SUCCEEDED" if work.status == "SUCCEEDED" else "FAILED",
        proposal_id=work.proposal_id,
        version_no=work.version_no,
        simulation_status=work.simulation_status,
        artifact_hash=work.artifact_hash,
        error_code=work.error_code,
        error_message=work.error_message,
        has_callback=work.has_callback,
    )

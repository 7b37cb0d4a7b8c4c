"""The outcome that an operation's workflow gets once the operation has ended."""

from dataclasses import asdict

from domain.operation import Operation
from workflows.messages import OperationOutcome, RunCounts


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
        runs=None if operation.progress is None else RunCounts(**asdict(operation.progress)),
    )

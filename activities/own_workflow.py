"""A step works for the operation's own workflow only: under its id and of its type."""

from temporalio import activity

from domain.operation import Operation
from workflows.identity import DELIVER_CALLBACK, WORKFLOW_TYPES, delivery_workflow_id_of, workflow_id_of


class ForeignWorkflow(Exception):
    """A workflow of another id or type has named this operation: a start by hand, which must change nothing."""


def require_own_workflow(operation: Operation) -> None:
    """Raises ForeignWorkflow."""
    _require(workflow_id_of(operation.operation_id), WORKFLOW_TYPES[operation.operation_type])


def require_own_delivery(operation_id: str) -> None:
    """Raises ForeignWorkflow."""
    _require(delivery_workflow_id_of(operation_id), DELIVER_CALLBACK)


def _require(workflow_id: str, workflow_type: str) -> None:
    info = activity.info()
    if (info.workflow_id, info.workflow_type) != (workflow_id, workflow_type):
        raise ForeignWorkflow

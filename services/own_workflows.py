"""Whether the workflow under an id is the one that belongs there, and ending one that does not.

Anyone who may write to Temporal can start any workflow under any id (docs/adr/0016-whose-workflow-it-is.md).
"""

from dataclasses import dataclass
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.operation import OperationType
from services.describing import RPC_TIMEOUT, Described
from workflows.identity import (
    CALLBACKS_QUEUE,
    DELIVER_CALLBACK,
    PROPOSALS_QUEUE,
    WORKFLOW_TYPES,
    delivery_workflow_id_of,
    workflow_id_of,
)

FOREIGN: Final = "not the workflow that belongs to this id: that one is started in its place"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnWorkflow:
    """What a workflow under this id must be; `operation_id` is what its input names, None where it names none."""

    workflow_id: str
    workflow_type: str
    task_queue: str
    operation_id: str | None = None


def own_workflow_of(operation_id: str, *, operation_type: str) -> OwnWorkflow:
    return OwnWorkflow(
        workflow_id=workflow_id_of(operation_id),
        workflow_type=WORKFLOW_TYPES[OperationType(operation_type)],
        task_queue=PROPOSALS_QUEUE,
        operation_id=operation_id,
    )


def own_delivery_of(operation_id: str) -> OwnWorkflow:
    return OwnWorkflow(
        workflow_id=delivery_workflow_id_of(operation_id),
        workflow_type=DELIVER_CALLBACK,
        task_queue=CALLBACKS_QUEUE,
        operation_id=operation_id,
    )


async def is_own(client: Client, described: Described, own: OwnWorkflow) -> bool:
    """Whether type, queue and input are those of the service's own start. Raises RPCError."""
    if (described.workflow_type, described.task_queue) != (own.workflow_type, own.task_queue):
        return False
    return own.operation_id is None or await _named_operation(client, described) == own.operation_id


async def end_foreign(client: Client, described: Described) -> None:
    """Terminate this run if it is open. Raises RPCError."""
    log.warning("foreign_workflow_ended", workflow_id=described.workflow_id, run_id=described.run_id)
    handle = client.get_workflow_handle(described.workflow_id, run_id=described.run_id)
    try:
        await handle.terminate(reason=FOREIGN, rpc_timeout=RPC_TIMEOUT)
    except RPCError as failure:
        if failure.status is not RPCStatusCode.NOT_FOUND:  # which says that it has closed meanwhile
            raise


async def _named_operation(client: Client, described: Described) -> object:
    """The operation that the run's input names; None when it names none."""
    handle = client.get_workflow_handle(described.workflow_id, run_id=described.run_id)
    async for event in handle.fetch_history_events(page_size=1, rpc_timeout=RPC_TIMEOUT):
        payloads = event.workflow_execution_started_event_attributes.input.payloads
        try:
            (order,) = await client.data_converter.decode(payloads)
        except (ValueError, RuntimeError):  # no input, several, or none that this converter reads
            return None
        return order.get("operation_id") if isinstance(order, dict) else None
    return None

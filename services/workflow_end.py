"""Who cancelled or terminated a workflow from outside, as its history says: in Temporal's UI or by its command.

The identity is what that caller of Temporal said of itself. Temporal does not verify it.
"""

from dataclasses import dataclass
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client
from temporalio.service import RPCError

from services.temporal_workflows import RPC_TIMEOUT
from workflows.identity import attribute_text

NEWEST_EVENTS: Final = 100  # between the request and the end of a workflow there are few


@dataclass(frozen=True, kw_only=True, slots=True)
class EndFromOutside:
    """Texts without control characters, at most 200 characters each; empty where Temporal has none."""

    identity: str
    reason: str


async def end_from_outside(client: Client, workflow_id: str, *, run_id: str | None) -> EndFromOutside | None:
    """The request that cancelled or terminated the run, without an id the latest; None when there is or may be none.

    An end is recorded without its actor rather than not at all, so no failure of Temporal is raised.
    """
    request = GetWorkflowExecutionHistoryReverseRequest(
        namespace=client.namespace,
        execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id or ""),
        maximum_page_size=NEWEST_EVENTS,
    )
    try:
        found = await client.workflow_service.get_workflow_execution_history_reverse(request, timeout=RPC_TIMEOUT)
    except (RPCError, RuntimeError, OSError, TimeoutError):
        return None
    return next((end for event in found.history.events if (end := _end_of(event)) is not None), None)


async def identity_of_end(client: Client, workflow_id: str, *, run_id: str | None) -> str | None:
    end = await end_from_outside(client, workflow_id, run_id=run_id)
    return None if end is None else end.identity or None


def _end_of(event: HistoryEvent) -> EndFromOutside | None:
    if event.HasField("workflow_execution_terminated_event_attributes"):
        terminated = event.workflow_execution_terminated_event_attributes
        return EndFromOutside(identity=attribute_text(terminated.identity), reason=attribute_text(terminated.reason))
    if event.HasField("workflow_execution_cancel_requested_event_attributes"):
        cancelled = event.workflow_execution_cancel_requested_event_attributes
        return EndFromOutside(identity=attribute_text(cancelled.identity), reason=attribute_text(cancelled.cause))
    return None

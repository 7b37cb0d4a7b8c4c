"""What Temporal says of the latest run under an id.

The SDK's `describe` raises ValueError for a workflow that an operator has paused: it does not know that status.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse
from temporalio.client import Client

RPC_TIMEOUT: Final = timedelta(seconds=1)
STATUS_PREFIX: Final = "WORKFLOW_EXECUTION_STATUS_"


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """`status` is Temporal's word, RUNNING, PAUSED and so on; `closed_at` is None while it is open."""

    workflow_id: str
    run_id: str
    workflow_type: str
    task_queue: str
    status: str
    closed_at: datetime | None
    raw: DescribeWorkflowExecutionResponse

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


async def describe(client: Client, workflow_id: str) -> Described:
    """Raises RPCError, NOT_FOUND when there is none, and RuntimeError when a lazy client never reached the server."""
    found = await client.workflow_service.describe_workflow_execution(
        DescribeWorkflowExecutionRequest(
            namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
        ),
        retry=True,
        timeout=RPC_TIMEOUT,
    )
    info = found.workflow_execution_info
    return Described(
        workflow_id=workflow_id,
        run_id=info.execution.run_id,
        workflow_type=info.type.name,
        task_queue=info.task_queue,
        status=WorkflowExecutionStatus.Name(info.status).removeprefix(STATUS_PREFIX),
        closed_at=info.close_time.ToDatetime(tzinfo=UTC) if info.HasField("close_time") else None,
        raw=found,
    )

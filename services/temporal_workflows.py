"""The calls to Temporal about one workflow: start it, look at it, cancel it, end one that does not belong there.

Every client that may write to Temporal can start any workflow under any id (docs/adr/0016-whose-workflow-it-is.md).
So a workflow is the service's own only if its type, queue and input are those of the service's start, and it runs at
once.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Final

import structlog
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
)
from temporalio.client import Client
from temporalio.common import TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from workflows.messages import Message
from workflows.policies import TASK_TIMEOUT

RPC_TIMEOUT: Final = timedelta(seconds=1)
# A frozen server takes a call and never returns. `rpc_timeout` ends the call itself but not the making of a connection,
# hence a limit around both.
ANSWER_SECONDS: Final = 2.0
MAX_BACKOFF: Final = timedelta(seconds=2)  # the server keeps a second between a run and the one it continues as
STATUS_PREFIX: Final = "WORKFLOW_EXECUTION_STATUS_"
FOREIGN: Final = "not the workflow that belongs to this id: that one is started in its place"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnWorkflow:
    """The properties of the service's own workflow under an id; `names` is the operation in its input, if any."""

    workflow_id: str
    workflow_type: str
    task_queue: str
    names: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowStart:
    """The start of a row's workflow, with the texts that operators can read without a worker.

    `replaces_closed` starts it over a closed one under the same id. Otherwise Temporal keeps it one workflow, however
    often and by however many processes it is started.
    """

    own: OwnWorkflow
    argument: Message
    replaces_closed: bool
    search_attributes: TypedSearchAttributes
    summary: str
    details: str
    execution_timeout: timedelta | None = None
    signal: str | None = None


class StartOutcome(Enum):
    """STARTED also when it was started before. REFUSED: Temporal found the start invalid, which is a bug."""

    STARTED = auto()
    UNREACHABLE = auto()
    REFUSED = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowDescription:
    """The latest run under an id. `status` is Temporal's word, RUNNING, PAUSED and so on; `closed_at` None is open."""

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


class WorkflowStarter:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, start: WorkflowStart) -> StartOutcome:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._start(start)
        except WorkflowAlreadyStartedError:
            return StartOutcome.STARTED
        except RPCError as failure:
            if failure.status is not RPCStatusCode.INVALID_ARGUMENT or _misses_search_attribute(failure):
                return _unreachable(start, failure.status.name)
            return _refused(start, failure.status.name)
        except (TimeoutError, RuntimeError, OSError) as failure:
            return _unreachable(start, type(failure).__name__)
        return StartOutcome.STARTED

    async def is_reachable(self) -> bool:
        """Whether Temporal answers for this namespace."""
        request = DescribeNamespaceRequest(namespace=self._client.namespace)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._client.workflow_service.describe_namespace(
                    request, timeout=timedelta(seconds=ANSWER_SECONDS)
                )
        except (RPCError, TimeoutError, RuntimeError, OSError):
            return False
        return True

    async def _start(self, start: WorkflowStart) -> None:
        reuse = WorkflowIDReusePolicy
        await self._client.start_workflow(
            start.own.workflow_type,
            start.argument,
            id=start.own.workflow_id,
            task_queue=start.own.task_queue,
            task_timeout=TASK_TIMEOUT,
            execution_timeout=start.execution_timeout,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=reuse.ALLOW_DUPLICATE if start.replaces_closed else reuse.REJECT_DUPLICATE,
            start_signal=start.signal,
            search_attributes=start.search_attributes,
            static_summary=start.summary,
            static_details=start.details,
            rpc_timeout=timedelta(seconds=ANSWER_SECONDS),
        )


async def describe(client: Client, workflow_id: str) -> WorkflowDescription:
    """Raises RPCError, NOT_FOUND when there is none, and RuntimeError when a lazy client never reached the server.

    The SDK's `describe` raises ValueError for a workflow that an operator has paused: it does not know that status.
    """
    found = await client.workflow_service.describe_workflow_execution(
        DescribeWorkflowExecutionRequest(
            namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
        ),
        retry=True,
        timeout=RPC_TIMEOUT,
    )
    info = found.workflow_execution_info
    return WorkflowDescription(
        workflow_id=workflow_id,
        run_id=info.execution.run_id,
        workflow_type=info.type.name,
        task_queue=info.task_queue,
        status=WorkflowExecutionStatus.Name(info.status).removeprefix(STATUS_PREFIX),
        closed_at=info.close_time.ToDatetime(tzinfo=UTC) if info.HasField("close_time") else None,
        raw=found,
    )


async def cancel(client: Client, workflow_id: str, *, reason: str) -> bool:
    """Whether the workflow needs no cancelling any more: it is being cancelled, has closed, or Temporal has none."""
    try:
        await client.get_workflow_handle(workflow_id).cancel(reason=reason, rpc_timeout=RPC_TIMEOUT)
    except RPCError as failure:
        if failure.status is RPCStatusCode.NOT_FOUND:
            return True
        reason = failure.status.name
    except (RuntimeError, OSError, TimeoutError) as failure:
        reason = type(failure).__name__
    else:
        return True
    log.warning("workflow_not_cancelled", workflow_id=workflow_id, reason=reason)
    return False


async def is_own(client: Client, described: WorkflowDescription, own: OwnWorkflow) -> bool:
    """Whether type, queue, input and time are those of the service's own start. Raises RPCError."""
    if (described.workflow_type, described.task_queue) != (own.workflow_type, own.task_queue):
        return False
    started = await _started(client, described)
    return _starts_at_once(started) and (own.names is None or await _named_operation(client, started) == own.names)


async def end_foreign(client: Client, described: WorkflowDescription) -> None:
    """Terminate this run if it is open. Raises RPCError."""
    log.warning("foreign_workflow_ended", workflow_id=described.workflow_id, run_id=described.run_id)
    handle = client.get_workflow_handle(described.workflow_id, run_id=described.run_id)
    try:
        await handle.terminate(reason=FOREIGN, rpc_timeout=RPC_TIMEOUT)
    except RPCError as failure:
        if failure.status is not RPCStatusCode.NOT_FOUND:  # which says that it has closed meanwhile
            raise


async def _started(client: Client, described: WorkflowDescription) -> WorkflowExecutionStartedEventAttributes:
    handle = client.get_workflow_handle(described.workflow_id, run_id=described.run_id)
    async for event in handle.fetch_history_events(page_size=1, rpc_timeout=RPC_TIMEOUT):
        return event.workflow_execution_started_event_attributes
    return WorkflowExecutionStartedEventAttributes()


def _starts_at_once(started: WorkflowExecutionStartedEventAttributes) -> bool:
    """A start delay, a cron schedule, or the wait before a retry, keeps a run open that does nothing."""
    return not started.cron_schedule and started.first_workflow_task_backoff.ToTimedelta() <= MAX_BACKOFF


async def _named_operation(client: Client, started: WorkflowExecutionStartedEventAttributes) -> object:
    """The operation that the run's input names; None when it names none."""
    try:
        (argument,) = await client.data_converter.decode(started.input.payloads)
    except (ValueError, RuntimeError):  # no input, several, or none that this converter reads
        return None
    return argument.get("operation_id") if isinstance(argument, dict) else None


def _misses_search_attribute(failure: RPCError) -> bool:
    """An emptied Temporal has none until a worker registers them again: the start is fine."""
    return "search attribute" in failure.message and "no mapping" in failure.message


def _refused(start: WorkflowStart, reason: str) -> StartOutcome:
    log.error("workflow_start_refused", operation_id=start.own.names, type=start.own.workflow_type, reason=reason)
    return StartOutcome.REFUSED


def _unreachable(start: WorkflowStart, reason: str) -> StartOutcome:
    log.warning("workflow_start_unreachable", operation_id=start.own.names, type=start.own.workflow_type, reason=reason)
    return StartOutcome.UNREACHABLE

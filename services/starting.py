"""Starting workflows of accepted operations: the only code that does."""

import asyncio
from datetime import timedelta
from enum import Enum, auto
from typing import Final

import structlog
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import OperationInternalError
from domain.operation import Operation, OperationFailure
from services.ending import end_failed
from storage.delivery_starts import DeliveryStart
from storage.unit_of_work import Storage
from workflows.identity import (
    CORRELATION_ID,
    CREATED_BY,
    OPERATION_TYPE,
    PORTFOLIO_ID,
    PROPOSAL_ID,
    PROPOSALS_QUEUE,
    WORKFLOW_TYPES,
    attribute_text,
    workflow_id_of,
)
from workflows.messages import OperationOrder
from workflows.policies import EXECUTION_TIMEOUT, TASK_TIMEOUT

# The server refuses a start whose summary, as a payload, is over 400 bytes, or whose details are over 20,000.
SUMMARY_PART_BYTES: Final = 150
DETAIL_BYTES: Final = 2_000

# A frozen server takes a call and never returns. `rpc_timeout` ends the call itself but no connection under way, hence
# the limit around both.
ANSWER_SECONDS: Final = 2.0
RPC_TIMEOUT: Final = timedelta(seconds=ANSWER_SECONDS)
# One workflow an operation, whoever starts it; over a closed one only by a caller who knows that it was no part of it.
REUSE: Final = {False: WorkflowIDReusePolicy.REJECT_DUPLICATE, True: WorkflowIDReusePolicy.ALLOW_DUPLICATE}

log = structlog.get_logger(__name__)


class StartOutcome(Enum):
    STARTED = auto()
    UNREACHABLE = auto()
    REFUSED = auto()


class WorkflowStarter:
    """Starts an operation's workflow under the operation's id, as often as anybody likes: Temporal keeps it one."""

    def __init__(self, client: Client, storage: Storage) -> None:
        self._client = client
        self._storage = storage

    async def start(self, start: Operation, *, replaces_foreign: bool = False) -> StartOutcome:
        """STARTED also when it was started before, open or closed; `replaces_foreign` starts it over a closed one.

        UNREACHABLE leaves the operation as it is, to be started later. REFUSED means that Temporal found the start
        invalid: a bug, which ends the operation.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._start(start, REUSE[replaces_foreign])
        except WorkflowAlreadyStartedError:
            return StartOutcome.STARTED
        except RPCError as failure:
            return await self._judged(start, failure)
        except (TimeoutError, RuntimeError, OSError) as failure:
            log.warning("workflow_start_unreachable", operation_id=start.operation_id, reason=type(failure).__name__)
            return StartOutcome.UNREACHABLE
        return StartOutcome.STARTED

    async def is_reachable(self) -> bool:
        """Whether Temporal answers for this namespace."""
        request = DescribeNamespaceRequest(namespace=self._client.namespace)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._client.workflow_service.describe_namespace(request, timeout=RPC_TIMEOUT)
        except (RPCError, TimeoutError, RuntimeError, OSError):
            return False
        return True

    async def _start(self, start: Operation, reuse: WorkflowIDReusePolicy) -> None:
        await self._client.start_workflow(
            WORKFLOW_TYPES[start.operation_type],
            OperationOrder(
                operation_id=start.operation_id,
                is_large=start.is_large,
                portfolio_id=attribute_text(start.portfolio_id),
                created_by=attribute_text(start.created_by),
                correlation_id=start.correlation_id,
                proposal_id=None if start.proposal_id is None else attribute_text(start.proposal_id),
            ),
            id=workflow_id_of(start.operation_id),
            task_queue=PROPOSALS_QUEUE,
            task_timeout=TASK_TIMEOUT,
            execution_timeout=EXECUTION_TIMEOUT,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=reuse,
            search_attributes=search_attributes_of(start),
            static_summary=_summary(start),
            static_details=_details(start),
            rpc_timeout=RPC_TIMEOUT,
        )

    async def _judged(self, start: Operation, failure: RPCError) -> StartOutcome:
        if failure.status is not RPCStatusCode.INVALID_ARGUMENT or is_missing_search_attribute(failure):
            log.warning("workflow_start_unreachable", operation_id=start.operation_id, reason=failure.status.name)
            return StartOutcome.UNREACHABLE
        log.error("workflow_start_refused", operation_id=start.operation_id, reason=failure.status.name)
        await end_failed(self._storage, start.operation_id, OperationFailure.of(OperationInternalError))
        return StartOutcome.REFUSED


def is_missing_search_attribute(failure: RPCError) -> bool:
    """An emptied Temporal has none until a worker registers them again: not the operation's fault."""
    return "search attribute" in failure.message and "no mapping" in failure.message


def search_attributes_of(start: Operation | DeliveryStart) -> TypedSearchAttributes:
    """The same for an operation and its callback, so that whoever finds one finds the other."""
    texts = {
        CORRELATION_ID: start.correlation_id,
        OPERATION_TYPE: start.operation_type,
        PORTFOLIO_ID: start.portfolio_id,
        CREATED_BY: start.created_by,
        PROPOSAL_ID: start.proposal_id,
    }
    return TypedSearchAttributes(
        [SearchAttributePair(key, attribute_text(text)) for key, text in texts.items() if text is not None]
    )


def _summary(start: Operation) -> str:
    what = "Create proposal" if start.proposal_id is None else "Create version"
    portfolio = escaped(start.portfolio_id, max_bytes=SUMMARY_PART_BYTES)
    return f"{what} for {portfolio} by {escaped(start.created_by, max_bytes=SUMMARY_PART_BYTES)}"


def _details(start: Operation) -> str:
    rows = {
        "Operation": start.operation_id,
        "Correlation id": start.correlation_id,
        **({} if start.proposal_id is None else {"Proposal": start.proposal_id}),
        "Portfolio": start.portfolio_id,
        "Created by": start.created_by,
        "Attempt": str(start.attempt),
        "Size": "large (process pool)" if start.is_large else "small",
    }
    return "\n".join(f"- **{name}**: {escaped(value, max_bytes=DETAIL_BYTES)}" for name, value in rows.items())


def escaped(text: str, *, max_bytes: int) -> str:
    """A client's text without meaning for the Markdown that Temporal's UI renders, cut to so many bytes of UTF-8."""
    kept: list[str] = []
    for character in attribute_text(text):
        shown = character if character.isalnum() or character in " -." else f"&#{ord(character)};"
        max_bytes -= len(shown.encode())
        if max_bytes < 0:
            break
        kept.append(shown)
    return "".join(kept)

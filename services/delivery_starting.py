"""Starting the workflow that delivers a callback, for whoever could not do it where the operation ended."""

import asyncio

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from services.starting import (
    ANSWER_SECONDS,
    REUSE,
    RPC_TIMEOUT,
    StartOutcome,
    is_missing_search_attribute,
    search_attributes_of,
)
from storage.delivery_starts import DeliveryStart
from storage.unit_of_work import Storage
from workflows.delivery_texts import delivery_details, delivery_summary
from workflows.identity import (
    CALLBACKS_QUEUE,
    DELIVER_CALLBACK,
    HURRY,
    delivery_workflow_id_of,
)
from workflows.messages import DeliveryOrder
from workflows.policies import TASK_TIMEOUT

log = structlog.get_logger(__name__)


class DeliveryStarter:
    """Starts a callback's workflow under the operation's id, as often as anybody likes: Temporal keeps it one."""

    def __init__(self, client: Client, storage: Storage) -> None:
        self._client = client
        self._storage = storage

    async def start(self, start: DeliveryStart, *, replaces_closed: bool = False) -> StartOutcome:
        """STARTED also when it was started before; a redelivery hurries the workflow if it still runs.

        A redelivery runs under the id of the one that has closed, `replaces_closed` lets a first delivery do so, too.

        UNREACHABLE leaves the delivery as it is, to be started later. REFUSED means that Temporal found the start
        invalid: a bug, which ends the delivery.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._start(start, REUSE[start.is_redelivery or replaces_closed])
        except WorkflowAlreadyStartedError:
            return StartOutcome.STARTED
        except RPCError as failure:
            return await self._judged(start, failure)
        except (TimeoutError, RuntimeError, OSError) as failure:
            log.warning("delivery_start_unreachable", operation_id=start.operation_id, reason=type(failure).__name__)
            return StartOutcome.UNREACHABLE
        return StartOutcome.STARTED

    async def _start(self, start: DeliveryStart, reuse: WorkflowIDReusePolicy) -> None:
        await self._client.start_workflow(
            DELIVER_CALLBACK,
            DeliveryOrder(operation_id=start.operation_id, attempts=start.attempts),
            id=delivery_workflow_id_of(start.operation_id),
            task_queue=CALLBACKS_QUEUE,
            task_timeout=TASK_TIMEOUT,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=reuse,
            start_signal=HURRY if start.is_redelivery else None,
            search_attributes=search_attributes_of(start),
            static_summary=delivery_summary(start.operation_id, operation_status=start.operation_status),
            static_details=delivery_details(
                start.operation_id,
                operation_type=start.operation_type,
                operation_status=start.operation_status,
                correlation_id=start.correlation_id,
            ),
            rpc_timeout=RPC_TIMEOUT,
        )

    async def _judged(self, start: DeliveryStart, failure: RPCError) -> StartOutcome:
        if failure.status is not RPCStatusCode.INVALID_ARGUMENT or is_missing_search_attribute(failure):
            log.warning("delivery_start_unreachable", operation_id=start.operation_id, reason=failure.status.name)
            return StartOutcome.UNREACHABLE
        log.error("delivery_start_refused", operation_id=start.operation_id, reason=failure.status.name)
        async with self._storage.transaction() as transaction:
            await transaction.deliveries.give_up(start.operation_id)
        return StartOutcome.REFUSED

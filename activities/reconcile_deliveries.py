"""Step `reconcile_deliveries`: callbacks whose next attempt is overdue, and what Temporal says of their workflows."""

import asyncio
from datetime import timedelta
from enum import Enum, auto
from typing import Final

import structlog
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.boundary import boundary
from activities.metrics import WorkerMetrics
from services.delivery_starting import DeliveryStarter
from services.describing import RPC_TIMEOUT, Described, describe
from services.own_workflows import end_foreign, is_own, own_delivery_of
from services.starting import StartOutcome
from storage.delivery_starts import OverdueDelivery
from storage.unit_of_work import Storage
from workflows.identity import HURRY
from workflows.messages import ReconcileDeliveriesInput, ReconcileDeliveriesResult

CONCURRENT_LOOKS: Final = 20

log = structlog.get_logger(__name__)


class _Repair(Enum):
    NONE = auto()
    RESTARTED = auto()
    FAILED = auto()


class ReconcileDeliveriesStep:
    """`describe` is the authority on a workflow; PostgreSQL's row locks keep two runs apart."""

    def __init__(
        self,
        storage: Storage,
        client: Client,
        starter: DeliveryStarter,
        *,
        metrics: WorkerMetrics,
    ) -> None:
        self._storage = storage
        self._client = client
        self._starter = starter
        self._metrics = metrics

    @activity.defn(name="reconcile_deliveries")
    @boundary
    async def reconcile_deliveries(self, step: ReconcileDeliveriesInput) -> ReconcileDeliveriesResult:
        async with self._storage.transaction() as transaction:
            overdue = await transaction.delivery_starts.take_overdue(
                overdue=timedelta(seconds=step.overdue_seconds), limit=step.batch_size
            )
        slots = asyncio.Semaphore(CONCURRENT_LOOKS)
        repairs = await asyncio.gather(*(self._repair(delivery, slots) for delivery in overdue))
        result = ReconcileDeliveriesResult(
            examined=len(overdue),
            restarted=repairs.count(_Repair.RESTARTED),
            failed=repairs.count(_Repair.FAILED),
        )
        self._metrics.deliveries_reconciled(result)
        return result

    async def _repair(self, delivery: OverdueDelivery, slots: asyncio.Semaphore) -> _Repair:
        async with slots:
            own = own_delivery_of(delivery.operation_id)
            try:
                described = await describe(self._client, own.workflow_id)
                is_foreign = not await is_own(self._client, described, own)
                if is_foreign and described.is_open:
                    await end_foreign(self._client, described)
                elif _only_waits(described):
                    handle = self._client.get_workflow_handle(own.workflow_id, run_id=described.run_id)
                    await handle.signal(HURRY, rpc_timeout=RPC_TIMEOUT)
            except RPCError as failure:
                if failure.status is not RPCStatusCode.NOT_FOUND:
                    return _Repair.NONE  # Temporal does not answer: nothing is known, the next run asks again
                return await self._restart(delivery)
            except RuntimeError:  # a lazy client that never reached the server
                return _Repair.NONE
            if is_foreign or _is_of_an_earlier_round(described, delivery):
                return await self._restart(delivery, replaces_closed=True)
            if described.is_open:
                return _Repair.NONE
            async with self._storage.transaction() as transaction:
                await transaction.deliveries.give_up(delivery.operation_id)
            log.warning("callback_given_up_by_reconcile", operation_id=delivery.operation_id)
            return _Repair.FAILED

    async def _restart(self, delivery: OverdueDelivery, *, replaces_closed: bool = False) -> _Repair:
        """A workflow that Temporal does not know was never started, or was lost with Temporal's data."""
        async with self._storage.transaction() as transaction:
            start = await transaction.delivery_starts.start_of(delivery.operation_id)
        if start is None:
            return _Repair.NONE
        if await self._starter.start(start, replaces_closed=replaces_closed) is not StartOutcome.STARTED:
            return _Repair.NONE
        async with self._storage.transaction() as transaction:
            await transaction.delivery_starts.mark_started([delivery.operation_id])
        log.warning("callback_restarted", operation_id=delivery.operation_id)
        return _Repair.RESTARTED


def _only_waits(described: Described) -> bool:
    """Whether it sits on a timer, which may be one that an operator has typed; a look at the row is harmless."""
    return described.status == "RUNNING" and not described.raw.pending_activities


def _is_of_an_earlier_round(described: Described, delivery: OverdueDelivery) -> bool:
    """Whether it had closed before the row asked for it. No clock can tell: Temporal's is another than PostgreSQL's."""
    if described.is_open:
        return False
    return delivery.awaits_start or (delivery.is_untried and described.status == "FAILED")

"""Steps `reconcile` and `reconcile_deliveries`: rows without progress, and what Temporal says of their workflows."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.boundary import boundary
from activities.metrics import WorkerMetrics
from services.cancellation import WorkflowCanceller
from services.operation_trace import later_start
from services.start_sources import DeliverySource, OperationSource, Row, Source, Verdict
from services.temporal_workflows import StartOutcome, WorkflowStarter, describe, end_foreign, is_own
from storage.unit_of_work import Storage
from workflows.messages import ReconcileDeliveriesInput, ReconcileDeliveriesResult, ReconcileInput, ReconcileResult
from workflows.schedules import is_reconcile_paused

CONCURRENT_LOOKS: Final = 20
CANCEL_IDLE: Final = timedelta(seconds=5)  # the API that took the cancel goes first

log = structlog.get_logger(__name__)


class ReconcileSteps:
    """`describe` is the authority on a workflow, never visibility; PostgreSQL's row locks keep two runs apart."""

    def __init__(
        self,
        storage: Storage,
        client: Client,
        *,
        max_started: int,
        public_url: str | None,
        metrics: WorkerMetrics,
    ) -> None:
        self._storage = storage
        self._client = client
        self._max_started = max_started
        self._public_url = public_url
        self._metrics = metrics
        self._starter = WorkflowStarter(client)
        self._canceller = WorkflowCanceller(client, storage)

    @activity.defn(name="reconcile")
    @boundary
    async def reconcile(self, step: ReconcileInput) -> ReconcileResult:
        if await is_reconcile_paused(self._client):
            return ReconcileResult(is_paused=True)
        source = OperationSource(
            self._storage, self._client, max_started=self._max_started, public_url=self._public_url
        )
        async with self._storage.autocommit() as transaction:
            starts, idle = transaction.operation_starts, timedelta(seconds=step.idle_seconds)
            stalled = await starts.take_stalled(idle=idle, limit=step.batch_size)
            # Waiting rows have no workflow as long as the window is full; they take the room that this batch leaves.
            room = min(await starts.room(at_most=source.most_at_once), step.batch_size - len(stalled))
            stalled += await starts.take_waiting(idle=idle, limit=max(room, 0))
            to_cancel = await starts.workflows_to_cancel(idle=CANCEL_IDLE, limit=step.batch_size)
        verdicts = await self._judged(source, stalled)
        result = ReconcileResult(
            examined=len(stalled),
            cancelled=await self._canceller.cancel(to_cancel),
            restarted=verdicts.count(Verdict.START_AGAIN),
            ended=verdicts.count(Verdict.ENDED),
        )
        self._metrics.reconciled(result, workflow_task_attempt=source.workflow_task_attempt)
        return result

    @activity.defn(name="reconcile_deliveries")
    @boundary
    async def reconcile_deliveries(self, step: ReconcileDeliveriesInput) -> ReconcileDeliveriesResult:
        source = DeliverySource(self._storage, self._client, public_url=self._public_url)
        async with self._storage.transaction() as transaction:
            idle = timedelta(seconds=step.overdue_seconds)
            overdue = await transaction.delivery_starts.take_stalled(idle=idle, limit=step.batch_size)
        verdicts = await self._judged(source, overdue)
        result = ReconcileDeliveriesResult(
            examined=len(overdue),
            restarted=verdicts.count(Verdict.START_AGAIN),
            failed=verdicts.count(Verdict.ENDED),
        )
        self._metrics.deliveries_reconciled(result)
        return result

    async def _judged(self, source: Source[Any], rows: Sequence[Any]) -> list[Verdict]:
        """The verdict on each row; START_AGAIN also means that its workflow was started again."""
        slots = asyncio.Semaphore(CONCURRENT_LOOKS)

        async def judged(row: Any) -> Verdict:
            async with slots:
                return await self._judge(source, row)

        return await asyncio.gather(*(judged(row) for row in rows))

    async def _judge(self, source: Source[Row], row: Row) -> Verdict:
        own = source.start(row).own
        try:
            described = await describe(self._client, own.workflow_id)
            is_foreign = not await is_own(self._client, described, own)
            if is_foreign and described.is_open:
                await end_foreign(self._client, described)
            elif described.is_open:
                await source.look_at(described)
        except RPCError as failure:
            if failure.status is not RPCStatusCode.NOT_FOUND:
                return Verdict.NOTHING  # Temporal does not answer: nothing is known, the next run asks again
            return await self._start_again(source, row)
        except RuntimeError:  # a lazy client that never reached the server
            return Verdict.NOTHING
        if is_foreign:
            return await self._start_again(source, row, replaces_closed=True)
        verdict = Verdict.NOTHING if described.is_open else await source.end(row, described)
        if verdict is Verdict.START_AGAIN:
            return await self._start_again(source, row, replaces_closed=True)
        return verdict

    async def _start_again(self, source: Source[Row], row: Row, *, replaces_closed: bool = False) -> Verdict:
        """A workflow that Temporal does not know was never started, or was lost with Temporal's data."""
        if source.max_restarts is not None and row.workflow_restarts >= source.max_restarts:
            return Verdict.ENDED if await source.give_up(row) else Verdict.NOTHING
        async with self._storage.transaction() as transaction:
            current = await source.starts(transaction).current(row.operation_id)
        if current is None:
            return Verdict.NOTHING
        with later_start(row.operation_id):
            outcome = await self._starter.start(source.start(current, replaces_closed=replaces_closed))
        if outcome is StartOutcome.REFUSED:
            await source.give_up(current)
        if outcome is not StartOutcome.STARTED:
            return Verdict.NOTHING
        async with self._storage.transaction() as transaction:
            await source.starts(transaction).note_restart(row.operation_id)
        log.warning(source.restarted_event, operation_id=row.operation_id)
        return Verdict.START_AGAIN

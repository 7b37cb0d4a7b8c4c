"""Step `reconcile`: operations that stopped moving, and what Temporal says of their workflows."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Final, Protocol

import structlog
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.boundary import boundary
from domain.errors import (
    OperationCancelled,
    OperationInternalError,
    OperationTerminated,
    OperationTimedOut,
    is_recorded_failure,
)
from domain.operation import Operation, OperationFailure
from services.describing import RPC_TIMEOUT, describe
from services.ending import end_failed
from services.operation_trace import later_start
from services.own_workflows import end_foreign, is_own, own_workflow_of
from services.starting import StartOutcome, WorkflowStarter
from services.workflow_cancelling import WorkflowCanceller
from storage.unit_of_work import Storage
from workflows.identity import workflow_id_of
from workflows.messages import ReconcileInput, ReconcileResult
from workflows.schedules import is_reconcile_paused

MAX_RESTARTS: Final = 3
CONCURRENT_LOOKS: Final = 20
ENDED_FROM_OUTSIDE: Final = {
    "TERMINATED": OperationTerminated,
    "CANCELED": OperationCancelled,
    "TIMED_OUT": OperationTimedOut,
}
CANCEL_IDLE: Final = timedelta(seconds=5)  # the API that took the cancel goes first

log = structlog.get_logger(__name__)


class _Repair(Enum):
    NONE = auto()
    RESTARTED = auto()
    ENDED = auto()


class OnReconciled(Protocol):
    """Told of each run, with the highest attempt of a pending workflow task among the workflows that it looked at."""

    def __call__(self, result: ReconcileResult, *, workflow_task_attempt: int) -> None: ...


@dataclass(slots=True)
class _Look:
    """One run: how many look at a time, and what they have seen."""

    slots: asyncio.Semaphore
    workflow_task_attempt: int = 0


class ReconcileStep:
    """`describe` is the authority on a workflow, never visibility; PostgreSQL's row locks keep two runs apart."""

    def __init__(
        self,
        storage: Storage,
        client: Client,
        starter: WorkflowStarter,
        *,
        max_started: int,
        on_run: OnReconciled | None = None,
    ) -> None:
        self._storage = storage
        self._client = client
        self._starter = starter
        self._max_started = max_started
        self._on_run = on_run
        self._canceller = WorkflowCanceller(client, storage)

    @activity.defn(name="reconcile")
    @boundary
    async def reconcile(self, step: ReconcileInput) -> ReconcileResult:
        if await is_reconcile_paused(self._client):
            return ReconcileResult(is_paused=True)
        async with self._storage.transaction() as transaction:
            stalled = await transaction.reconciliation.take_stalled(
                idle=timedelta(seconds=step.idle_seconds), limit=step.batch_size, max_started=self._max_started
            )
            to_cancel = await transaction.reconciliation.workflows_to_cancel(idle=CANCEL_IDLE, limit=step.batch_size)
        look = _Look(asyncio.Semaphore(CONCURRENT_LOOKS))
        repairs = await asyncio.gather(*(self._repair(operation, look) for operation in stalled))
        result = ReconcileResult(
            examined=len(stalled),
            cancelled=await self._canceller.cancel(to_cancel),
            restarted=repairs.count(_Repair.RESTARTED),
            ended=repairs.count(_Repair.ENDED),
        )
        if self._on_run is not None:
            self._on_run(result, workflow_task_attempt=look.workflow_task_attempt)
        return result

    async def _repair(self, operation: Operation, look: _Look) -> _Repair:
        async with look.slots:
            own = own_workflow_of(operation.operation_id, operation_type=operation.operation_type)
            try:
                described = await describe(self._client, own.workflow_id)
                is_foreign = not await is_own(self._client, described, own)
                if is_foreign and described.is_open:
                    await end_foreign(self._client, described)
            except RPCError as failure:
                if failure.status is not RPCStatusCode.NOT_FOUND:
                    return _Repair.NONE  # Temporal does not answer: nothing is known, the next run asks again
                return await self._restart(operation)
            except RuntimeError:  # a lazy client that never reached the server
                return _Repair.NONE
            if is_foreign:
                return await self._restart(operation, replaces_foreign=True)
            if described.is_open:
                attempt = described.raw.pending_workflow_task.attempt
                look.workflow_task_attempt = max(look.workflow_task_attempt, attempt)
                return _Repair.NONE
            failure_found = await self._failure_of(operation.operation_id, described.status)
            await end_failed(self._storage, operation.operation_id, failure_found)
            log.warning(
                "operation_ended_by_reconcile", operation_id=operation.operation_id, error=failure_found.message
            )
            return _Repair.ENDED

    async def _restart(self, operation: Operation, *, replaces_foreign: bool = False) -> _Repair:
        """A workflow that Temporal does not know was never started, or was lost with Temporal's data."""
        if operation.workflow_restarts >= MAX_RESTARTS:
            await end_failed(self._storage, operation.operation_id, OperationFailure.of(OperationInternalError))
            return _Repair.ENDED
        async with self._storage.transaction() as transaction:
            fresh = await transaction.operations.get(operation.operation_id)
        if fresh is None or fresh.is_terminal:
            return _Repair.NONE
        with later_start(operation.operation_id):
            outcome = await self._starter.start(fresh, replaces_foreign=replaces_foreign)
        if outcome is not StartOutcome.STARTED:
            return _Repair.NONE
        async with self._storage.transaction() as transaction:
            await transaction.reconciliation.count_restart(operation.operation_id)
        log.warning("operation_restarted", operation_id=operation.operation_id)
        return _Repair.RESTARTED

    async def _failure_of(self, operation_id: str, status: str) -> OperationFailure:
        """How the row of an open operation ends when its workflow has closed without ending it."""
        if status in ENDED_FROM_OUTSIDE:
            return OperationFailure.of(ENDED_FROM_OUTSIDE[status])
        try:
            await self._client.get_workflow_handle(workflow_id_of(operation_id)).result(rpc_timeout=RPC_TIMEOUT)
        except WorkflowFailureError as failure:
            if isinstance(failure.cause, ApplicationError) and is_recorded_failure(
                failure.cause.type, failure.cause.message
            ):
                return OperationFailure(code=failure.cause.type or "", message=failure.cause.message)
        return OperationFailure.of(OperationInternalError)

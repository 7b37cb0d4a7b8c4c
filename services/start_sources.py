"""The rows that require a workflow: operations, and callbacks of ended ones. A further kind is one more Source.

A source knows its rows, how their workflow is started, and what it means for a row when its workflow has closed. The
starter (`services.start_queue`) and reconcile (`activities.reconcile`) know neither kind.
"""

from enum import Enum, auto
from typing import Final, Protocol, TypeVar

import structlog
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from domain.errors import (
    OperationCancelled,
    OperationInternalError,
    OperationTerminated,
    OperationTimedOut,
    is_recorded_failure,
)
from domain.operation import Operation, OperationFailure
from services.ending import end_failed
from services.temporal_workflows import RPC_TIMEOUT, WorkflowDescription, WorkflowStart
from services.workflow_end import identity_of_end
from services.workflow_starts import delivery_start, operation_start
from storage.unit_of_work import Storage, Transaction
from storage.workflow_starts import PendingDelivery, WorkflowStarts
from workflows.identity import DELIVER_NOW

ENDED_FROM_OUTSIDE: Final = {
    "TERMINATED": OperationTerminated,
    "CANCELED": OperationCancelled,
    "TIMED_OUT": OperationTimedOut,
}
ENDED_BY_REQUEST: Final = ("TERMINATED", "CANCELED")

Row = TypeVar("Row", bound=Operation)

log = structlog.get_logger(__name__)


class Verdict(Enum):
    """The consequence of a closed workflow for its row."""

    ENDED = auto()
    START_AGAIN = auto()
    NOTHING = auto()


class Source(Protocol[Row]):
    """`most_at_once` rows may have their workflow; one that was lost `max_restarts` times is given up."""

    restarted_event: str  # in the log
    most_at_once: int
    max_restarts: int | None

    def starts(self, transaction: Transaction) -> WorkflowStarts[Row]: ...

    def start(self, row: Row, *, replaces_closed: bool = False) -> WorkflowStart: ...

    async def look_at(self, described: WorkflowDescription) -> None:
        """The row's own workflow is open. Raises RPCError."""
        ...

    async def end(self, row: Row, described: WorkflowDescription) -> Verdict:
        """Judge the row's own workflow, which has closed, and end the row with it unless a new one is required."""
        ...

    async def give_up(self, row: Row) -> bool:
        """End the row because its workflow cannot be started, which is a bug. Returns whether it ended."""
        ...


class OperationSource:
    """Open operations; only `max_started` have their workflow at a time (docs/adr/0014-postgresql-is-the-queue.md)."""

    restarted_event = "operation_restarted"
    max_restarts: int | None = 3

    def __init__(self, storage: Storage, client: Client, *, max_started: int, public_url: str | None) -> None:
        self._storage = storage
        self._client = client
        self._public_url = public_url
        self.most_at_once = max_started
        self.workflow_task_attempt = 0  # the highest attempt of a pending workflow task that reconcile has seen

    def starts(self, transaction: Transaction) -> WorkflowStarts[Operation]:
        return transaction.operation_starts

    def start(self, row: Operation, *, replaces_closed: bool = False) -> WorkflowStart:
        return operation_start(row, replaces_closed=replaces_closed, public_url=self._public_url)

    async def look_at(self, described: WorkflowDescription) -> None:
        attempt = described.raw.pending_workflow_task.attempt
        self.workflow_task_attempt = max(self.workflow_task_attempt, attempt)

    async def end(self, row: Operation, described: WorkflowDescription) -> Verdict:
        failure = await self._failure(described)
        cancelled_by = None
        if described.status in ENDED_BY_REQUEST:
            cancelled_by = await identity_of_end(self._client, described.workflow_id, run_id=described.run_id)
        await end_failed(self._storage, row.operation_id, failure, cancelled_by=cancelled_by)
        log.warning("operation_ended_by_reconcile", operation_id=row.operation_id, error=failure.message)
        return Verdict.ENDED

    async def give_up(self, row: Operation) -> bool:
        await end_failed(self._storage, row.operation_id, OperationFailure.of(OperationInternalError))
        return True

    async def _failure(self, described: WorkflowDescription) -> OperationFailure:
        """The failure of an open operation whose workflow has closed without ending it."""
        if described.status in ENDED_FROM_OUTSIDE:
            return OperationFailure.of(ENDED_FROM_OUTSIDE[described.status])
        try:
            await self._client.get_workflow_handle(described.workflow_id).result(rpc_timeout=RPC_TIMEOUT)
        except WorkflowFailureError as failure:
            if isinstance(failure.cause, ApplicationError) and is_recorded_failure(
                failure.cause.type, failure.cause.message
            ):
                return OperationFailure(code=failure.cause.type or "", message=failure.cause.message)
        return OperationFailure.of(OperationInternalError)


class DeliverySource:
    """Pending callbacks."""

    restarted_event = "callback_restarted"
    most_at_once = 200
    max_restarts: int | None = None

    def __init__(self, storage: Storage, client: Client, *, public_url: str | None) -> None:
        self._storage = storage
        self._client = client
        self._public_url = public_url

    def starts(self, transaction: Transaction) -> WorkflowStarts[PendingDelivery]:
        return transaction.delivery_starts

    def start(self, row: PendingDelivery, *, replaces_closed: bool = False) -> WorkflowStart:
        return delivery_start(row, replaces_closed=replaces_closed, public_url=self._public_url)

    async def look_at(self, described: WorkflowDescription) -> None:
        """Signal a workflow that waits on a timer to read its row again: harmless, and it ends a wrong wait."""
        if described.status == "RUNNING" and not described.raw.pending_activities:
            handle = self._client.get_workflow_handle(described.workflow_id, run_id=described.run_id)
            await handle.signal(DELIVER_NOW, rpc_timeout=RPC_TIMEOUT)

    async def end(self, row: PendingDelivery, described: WorkflowDescription) -> Verdict:
        """Give the delivery up, unless the closed workflow was not that of its present round.

        It may be the workflow of an earlier round, which closed before a redelivery was requested. Comparing times
        cannot show that, because Temporal and PostgreSQL have different clocks; so the row records whether a workflow
        was started for this round. A failed workflow of a recent delivery without an attempt was started by hand,
        before there was a delivery.
        """
        is_untried = row.is_recent and row.attempts == 0
        if row.awaits_start or (is_untried and described.status == "FAILED"):
            return Verdict.START_AGAIN
        if not await self.give_up(row):
            return Verdict.NOTHING
        log.warning("callback_given_up_by_reconcile", operation_id=row.operation_id)
        return Verdict.ENDED

    async def give_up(self, row: PendingDelivery) -> bool:
        """False when a redelivery was requested after the row was read: the verdict was about the round before."""
        async with self._storage.transaction() as transaction:
            return await transaction.deliveries.give_up(row.operation_id, redelivered_at=row.redelivered_at)

"""Cancelling an operation: decided in PostgreSQL alone; its workflow is cancelled afterwards."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import structlog
from temporalio.client import Client

from domain.errors import OperationAlreadyTerminal, OperationCancelled, StorageUnavailable
from domain.operation import Operation, OperationFailure
from services.ending import fail_locked
from services.lookup import LookupService
from services.temporal_workflows import cancel
from storage.unit_of_work import Storage
from workflows.identity import attribute_text, workflow_id_of

DRAIN_SECONDS: Final = 2.0
CONCURRENT_CANCELS: Final = 20

log = structlog.get_logger(__name__)


class WorkflowCanceller:
    """Cancels the workflows of operations that were cancelled in PostgreSQL: best effort, until one effort succeeds."""

    def __init__(self, client: Client, storage: Storage) -> None:
        self._client = client
        self._storage = storage

    async def cancel(self, cancelled: Mapping[str, str | None]) -> int:
        """Cancel the workflows of operations by id, each with who cancelled it as the reason that operators read.

        Records the done ones and returns their number. Raises StorageUnavailable.
        """
        slots = asyncio.Semaphore(CONCURRENT_CANCELS)

        async def is_done(operation_id: str, by: str | None) -> bool:
            reason = "" if by is None else f"cancelled by {attribute_text(by)}"
            async with slots:
                return await cancel(self._client, workflow_id_of(operation_id), reason=reason)

        outcomes = await asyncio.gather(*(is_done(operation_id, by) for operation_id, by in cancelled.items()))
        done = [operation_id for operation_id, is_done in zip(cancelled, outcomes, strict=True) if is_done]
        if done:
            async with self._storage.transaction() as transaction:
                await transaction.operations.note_workflows_cancelled(done)
        return len(done)


class CancellationService:
    """Works without Temporal and without a worker; reconcile cancels the workflows that this could not."""

    def __init__(self, storage: Storage, lookup: LookupService, canceller: WorkflowCanceller) -> None:
        self._storage = storage
        self._lookup = lookup
        self._canceller = canceller
        self._cancelling: set[asyncio.Task[None]] = set()

    async def cancel(self, operation_id: str, *, client: str, by: str) -> Operation:
        """The operation as it has ended, FAILED with OPERATION_CANCELLED.

        The commit of its result locks the same row, so exactly one of the two ends it. Raises OperationNotFound,
        OperationExpired, OperationAlreadyTerminal when it had ended before.
        """
        await self._lookup.operation(operation_id, client=client)
        async with self._storage.transaction() as transaction:
            operation = await transaction.operations.lock(operation_id)
            if operation.is_terminal:
                raise OperationAlreadyTerminal
            failure = OperationFailure.of(OperationCancelled)
            cancelled = await fail_locked(transaction, operation, failure, cancelled_by=by, cancels_workflow=True)
        self._cancel_soon(operation_id, by)
        return cancelled

    @asynccontextmanager
    async def running(self) -> AsyncIterator["CancellationService"]:
        """At the end of the block calls to Temporal that are under way get a moment to finish."""
        try:
            yield self
        finally:
            if self._cancelling:
                await asyncio.wait(self._cancelling, timeout=DRAIN_SECONDS)

    def _cancel_soon(self, operation_id: str, by: str) -> None:
        task = asyncio.create_task(self._cancel_workflow(operation_id, by))
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def _cancel_workflow(self, operation_id: str, by: str) -> None:
        try:
            await self._canceller.cancel({operation_id: by})
        except StorageUnavailable:
            log.warning("workflow_cancel_not_noted", operation_id=operation_id)

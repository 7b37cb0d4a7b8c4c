"""Cancelling the workflows of operations that were cancelled in PostgreSQL: best effort, until one effort succeeds."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from storage.unit_of_work import Storage
from workflows.identity import workflow_id_of

RPC_TIMEOUT: Final = timedelta(seconds=1)
CONCURRENT_CANCELS: Final = 20

log = structlog.get_logger(__name__)


class WorkflowCanceller:
    """A workflow that has closed, or that Temporal does not know, needs no cancelling."""

    def __init__(self, client: Client, storage: Storage) -> None:
        self._client = client
        self._storage = storage

    async def cancel(self, operation_ids: list[str]) -> int:
        """Cancel these operations' workflows and note which are done; answers how many. Raises StorageUnavailable."""
        slots = asyncio.Semaphore(CONCURRENT_CANCELS)
        outcomes = await asyncio.gather(*(self._is_cancelled(operation_id, slots) for operation_id in operation_ids))
        done = [operation_id for operation_id, is_done in zip(operation_ids, outcomes, strict=True) if is_done]
        if done:
            async with self._storage.transaction() as transaction:
                await transaction.operations.note_workflows_cancelled(done)
        return len(done)

    async def _is_cancelled(self, operation_id: str, slots: asyncio.Semaphore) -> bool:
        async with slots:
            try:
                await self._client.get_workflow_handle(workflow_id_of(operation_id)).cancel(rpc_timeout=RPC_TIMEOUT)
            except RPCError as failure:
                if failure.status is RPCStatusCode.NOT_FOUND:
                    return True
                log.warning("workflow_not_cancelled", operation_id=operation_id, reason=failure.status.name)
                return False
            except (RuntimeError, OSError, TimeoutError) as failure:
                log.warning("workflow_not_cancelled", operation_id=operation_id, reason=type(failure).__name__)
                return False
            return True

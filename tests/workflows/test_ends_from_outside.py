"""Cancels and terminations in Temporal's UI: the operation's row names the identity that Temporal gives."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from builders import a_stored_operation
from sandbox import sandboxed_runner
from storage_rows import reconciling
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    RequestCancelWorkflowExecutionRequest,
    TerminateWorkflowExecutionRequest,
)
from temporalio.client import Client, WorkflowFailureError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker
from worker_dependencies import some_dependencies

from domain.errors import OperationCancelled
from domain.operation import Operation, OperationFailure
from runtime.engine_pool import EnginePool
from services.cancellation import CancellationService, WorkflowCanceller
from services.ending import fail_locked
from services.lookup import LookupService
from services.temporal_workflows import StartOutcome, WorkflowStarter
from services.workflow_end import EndFromOutside, end_from_outside
from services.workflow_starts import operation_start
from storage.unit_of_work import Storage
from worker.registry import proposal_activities, proposal_workflows
from workflows.identity import PROPOSALS_QUEUE
from workflows.messages import ReconcileInput


async def started(storage: Storage, client: Client, **changes) -> str:
    operation = await a_stored_operation(storage, **changes)
    assert await WorkflowStarter(client).start(operation_start(operation, public_url=None)) is StartOutcome.STARTED
    return operation.operation_id


async def cancel(client: Client, operation_id: str, identity: str) -> None:
    await client.workflow_service.request_cancel_workflow_execution(
        RequestCancelWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=operation_id),
            identity=identity,
            reason="wrong desk",
        )
    )


async def terminate(client: Client, operation_id: str, identity: str) -> None:
    await client.workflow_service.terminate_workflow_execution(
        TerminateWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=operation_id),
            identity=identity,
            reason="wrong desk",
        )
    )


@asynccontextmanager
async def working(storage: Storage, client: Client) -> AsyncIterator[None]:
    pool = EnginePool(1, seconds=60, memory_mb=1024)
    dependencies = some_dependencies(storage=storage, client=client, pool=pool)
    async with Worker(
        client,
        task_queue=PROPOSALS_QUEUE,
        workflows=proposal_workflows(),
        activities=proposal_activities(dependencies),
        workflow_runner=sandboxed_runner(),
    ):
        yield


async def row(storage: Storage, operation_id: str) -> Operation:
    return await LookupService(storage).operation(operation_id, client="local")


@pytest.mark.parametrize("is_large", [False, True])
async def test_a_cancel_in_temporal_names_who_cancelled(storage: Storage, temporal_client: Client, is_large):
    operation_id = await started(storage, temporal_client, is_large=is_large)
    await cancel(temporal_client, operation_id, "ops@desk")
    async with working(storage, temporal_client):
        with pytest.raises(WorkflowFailureError):
            await temporal_client.get_workflow_handle(operation_id).result()
    ended = await row(storage, operation_id)
    assert (ended.error_message, ended.cancelled_by) == ("OPERATION_CANCELLED", "ops@desk")


async def test_a_termination_names_who_terminated(storage: Storage, temporal_client: Client):
    operation_id = await started(storage, temporal_client)
    await terminate(temporal_client, operation_id, "ops@desk")
    await ActivityEnvironment().run(reconciling(storage, temporal_client).reconcile, ReconcileInput(idle_seconds=0))
    ended = await row(storage, operation_id)
    assert (ended.error_message, ended.cancelled_by) == ("OPERATION_TERMINATED", "ops@desk")


async def test_an_identity_is_cut_and_prints(storage: Storage, temporal_client: Client):
    operation_id = await started(storage, temporal_client)
    await terminate(temporal_client, operation_id, "ops\n\x1b[31m\u202e\x00" + "x" * 400)
    await ActivityEnvironment().run(reconciling(storage, temporal_client).reconcile, ReconcileInput(idle_seconds=0))
    assert (await row(storage, operation_id)).cancelled_by == "ops[31m" + "x" * 193


async def test_a_workflow_that_temporal_does_not_know_was_ended_by_nobody(temporal_client: Client):
    assert await end_from_outside(temporal_client, "pop_unknown", run_id=None) is None


@pytest.mark.parametrize("end", [cancel, terminate])
async def test_the_reason_is_read_beside_the_identity(storage: Storage, temporal_client: Client, end):
    operation_id = await started(storage, temporal_client)
    await end(temporal_client, operation_id, "ops@desk")
    found = await end_from_outside(temporal_client, operation_id, run_id=None)
    assert found == EndFromOutside(identity="ops@desk", reason="wrong desk")


@pytest.mark.parametrize("by", ["the API", "reconcile"])
async def test_a_cancel_of_the_service_tells_temporal_who_cancelled(
    storage: Storage, temporal_client: Client, database_dsn, by
):
    operation_id = await started(storage, temporal_client)
    if by == "the API":
        canceller = WorkflowCanceller(temporal_client, storage)
        async with CancellationService(storage, LookupService(storage), canceller).running() as service:
            await service.cancel(operation_id, client="local", by="ops_1")
    else:  # which the API could not do any more
        failure = OperationFailure.of(OperationCancelled)
        async with storage.transaction() as transaction:
            operation = await transaction.operations.lock(operation_id)
            await fail_locked(transaction, operation, failure, cancelled_by="ops_1", cancels_workflow=True)
        with psycopg.connect(database_dsn) as connection:
            connection.execute("UPDATE operations SET updated_at = updated_at - interval '6 seconds'")
        await ActivityEnvironment().run(reconciling(storage, temporal_client).reconcile, ReconcileInput())
    end = await end_from_outside(temporal_client, operation_id, run_id=None)
    assert end is not None
    assert end.reason == "cancelled by ops_1"
    assert (await row(storage, operation_id)).cancelled_by == "ops_1"

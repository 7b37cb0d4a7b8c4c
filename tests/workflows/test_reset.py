"""A Reset in Temporal's UI of an operation that has ended."""

import asyncio
import uuid

import psycopg
import pytest
from builders import a_submission, refuse_callbacks, without_simulation_flag
from sandbox import sandboxed_runner
from storage_rows import InProcess, a_limit, adopting
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker
from waiting import PATIENCE_SECONDS
from worker_dependencies import some_dependencies

from domain.operation import Policy
from services.submission import SubmissionService
from services.temporal_workflows import WorkflowStarter
from services.workflow_starts import operation_start
from storage.unit_of_work import Storage
from worker.registry import proposal_activities, proposal_workflows
from workflows.identity import PROPOSALS_QUEUE
from workflows.operation_run import RESET_NOTE

TABLES = ("operations", "proposals", "proposal_versions", "workflow_events", "documents")


def everything(dsn: str) -> dict[str, list[tuple]]:
    with psycopg.connect(dsn) as connection:
        return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES}


@pytest.mark.parametrize("ends", ["SUCCEEDED", "FAILED"])
async def test_a_reset_changes_nothing_and_says_so(storage: Storage, temporal_client: Client, database_dsn, ends):
    starts = []
    service = SubmissionService(
        storage,
        starts.append,
        policy=Policy(),
        large_request_rows=1000,
        limit=a_limit(),
        judge_callback=refuse_callbacks,
        adoption=adopting(storage),
    )
    body = None if ends == "SUCCEEDED" else without_simulation_flag()
    operation_id = (await service.submit(a_submission(body))).operation.operation_id
    dependencies = some_dependencies(storage=storage, client=temporal_client, pool=InProcess())
    async with Worker(
        temporal_client,
        task_queue=PROPOSALS_QUEUE,
        workflows=proposal_workflows(),
        activities=proposal_activities(dependencies),
        workflow_runner=sandboxed_runner(),
    ):
        await WorkflowStarter(temporal_client).start(operation_start(starts[0], public_url=None))
        await ended(temporal_client, operation_id)
        before = everything(database_dsn)
        answer = await temporal_client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=temporal_client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=operation_id),
                reason="an operator wants to see it again",
                workflow_task_finish_event_id=3,
                request_id=str(uuid.uuid4()),
            )
        )
        note, code = await ended(temporal_client, operation_id, run_id=answer.run_id)
    assert everything(database_dsn) == before
    assert note == RESET_NOTE
    assert code == (None if ends == "SUCCEEDED" else "ProposalValidationError")


async def ended(client: Client, operation_id: str, run_id: str | None = None) -> tuple[str | None, str | None]:
    """What the run's end says besides the outcome, and the class of its failure."""
    handle = client.get_workflow_handle(operation_id, run_id=run_id)
    try:
        result = await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
    except WorkflowFailureError as failure:
        cause = failure.cause
    else:
        return result["note"], None
    assert isinstance(cause, ApplicationError)
    return (cause.details or (None,))[0], cause.type

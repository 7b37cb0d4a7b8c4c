"""What `proposals operation` says of a workflow that an operator has touched, against a real Temporal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from batches import an_analysis, submitted
from builders import a_stored_operation
from fake_steps import FakeSteps, outage_for
from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import PauseActivityRequest, UnpauseActivityRequest
from temporalio.client import Client
from temporalio.worker import Worker
from waiting import PATIENCE_SECONDS

from cli.operation_page import Page, operation_page
from storage.unit_of_work import Storage
from workflows.analyze_scenarios import AnalyzeScenarios
from workflows.create_proposal import CreateProposal
from workflows.identity import BATCHES_QUEUE, PROPOSALS_QUEUE
from workflows.messages import AnalyzeChunksInput, AnalyzeChunksResult, AnalyzeInput, CreateInput


@asynccontextmanager
async def waiting_for_the_database(storage: Storage, client: Client) -> AsyncIterator[str]:
    operation_id = (await a_stored_operation(storage)).operation_id
    steps = FakeSteps(simulate=outage_for(10**9))
    async with Worker(client, task_queue=PROPOSALS_QUEUE, workflows=[CreateProposal], activities=steps.registered()):
        await client.start_workflow(
            CreateProposal.run,
            CreateInput(operation_id=operation_id, is_large=False),
            id=operation_id,
            task_queue=PROPOSALS_QUEUE,
        )
        yield operation_id


async def page_with(storage: Storage, client: Client, operation_id: str, field: str, text: str) -> Page:
    """The page as soon as the field of its workflow has this text."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            page = await operation_page(storage, client, operation_id, client="local")
            if text in page["workflow"].get(field, ""):
                return page
            await asyncio.sleep(0.2)


async def test_a_paused_activity_is_shown_as_paused_and_not_with_an_old_cause(
    storage: Storage, temporal_client: Client
):
    async with waiting_for_the_database(storage, temporal_client) as operation_id:
        await page_with(storage, temporal_client, operation_id, "pending simulate", "the database cannot be reached")
        touched = {
            "namespace": temporal_client.namespace,
            "execution": WorkflowExecution(workflow_id=operation_id),
            "identity": "ops@desk",
            "type": "simulate",
        }
        await temporal_client.workflow_service.pause_activity(PauseActivityRequest(**touched, reason="a look first"))
        page = await page_with(storage, temporal_client, operation_id, "pending simulate", "PAUSED")
        shown = page["workflow"]["pending simulate"]
        assert shown.endswith("by ops@desk: a look first")
        assert " at 20" in shown
        assert "database" not in shown
        await temporal_client.workflow_service.unpause_activity(UnpauseActivityRequest(**touched))
        await page_with(storage, temporal_client, operation_id, "pending simulate", "the database cannot be reached")


@pytest.mark.parametrize("workflow_type", ["Foreign", "CreateVersion"])
async def test_a_workflow_of_another_type_is_named(storage: Storage, temporal_client: Client, workflow_type):
    operation_id = (await a_stored_operation(storage)).operation_id
    await temporal_client.start_workflow(workflow_type, id=operation_id, task_queue="nobody")
    page = await page_with(storage, temporal_client, operation_id, "type", workflow_type)
    assert page["workflow"]["type"] == f"{workflow_type}, which is not the operation's own"


async def test_a_terminated_workflow_is_shown_with_who_did_it_and_why(storage: Storage, temporal_client: Client):
    async with waiting_for_the_database(storage, temporal_client) as operation_id:
        handle = temporal_client.get_workflow_handle(operation_id)
        await handle.terminate(reason="wrong desk")
        page = await page_with(storage, temporal_client, operation_id, "status", "TERMINATED")

    assert page["workflow"]["ended by"].startswith("an operator (")
    assert page["workflow"]["ended by"].endswith("), who terminated it: wrong desk")


async def test_a_task_that_no_worker_has_is_shown_with_the_last_poll(storage: Storage, temporal_client: Client):
    async with waiting_for_the_database(storage, temporal_client) as operation_id:
        await page_with(storage, temporal_client, operation_id, "pending simulate", "the database cannot be reached")
        polled_until = datetime.now(UTC)  # the worker ends with the block
    operation_id = (await a_stored_operation(storage)).operation_id
    await temporal_client.start_workflow(
        CreateProposal.run,
        CreateInput(operation_id=operation_id, is_large=False),
        id=operation_id,
        task_queue=PROPOSALS_QUEUE,
    )
    page = await page_with(storage, temporal_client, operation_id, "pending workflow task", "no worker has it")
    await temporal_client.get_workflow_handle(operation_id).terminate()

    told = page["workflow"]["pending workflow task"].removeprefix("no worker has it; the last poll was ")
    assert abs(datetime.fromisoformat(told) - polled_until) < timedelta(minutes=5)


async def test_who_cancelled_retried_and_redelivered_is_shown(
    storage: Storage, temporal_client: Client, database_dsn: str
):
    operation_id = (await a_stored_operation(storage, callback_url="https://receiver.example/")).operation_id
    with psycopg.connect(database_dsn) as connection:
        connection.execute(
            "UPDATE operations SET retried_by = 'ops_1', cancelled_by = 'ops_2', status = 'FAILED',"
            " finished_at = now(), error_code = 'ProposalOperationCancelledError',"
            " error_message = 'OPERATION_CANCELLED'"
        )
        connection.execute(
            "INSERT INTO callback_deliveries (operation_id, status, created_at, redelivered_at, redelivered_by)"
            " VALUES (%s, 'PENDING', now(), now(), 'ops_3')",
            [operation_id],
        )
    page = await operation_page(storage, temporal_client, operation_id, client="local")
    assert (page["operation"]["retried_by"], page["operation"]["cancelled_by"]) == ("ops_1", "ops_2")
    assert page["callback"]["redelivered by"] == "ops_3"


async def test_the_lanes_of_a_batch_are_shown_each_with_its_cause(storage: Storage, temporal_client: Client):
    operation = await submitted(storage, an_analysis())

    @activity.defn(name="analyze_chunks")
    async def unavailable(step: AnalyzeChunksInput) -> AnalyzeChunksResult:
        raise outage_for(1)(1) or RuntimeError(step)

    async with (
        Worker(temporal_client, task_queue=PROPOSALS_QUEUE, workflows=[AnalyzeScenarios]),
        Worker(temporal_client, task_queue=BATCHES_QUEUE, activities=[unavailable]),
    ):
        await temporal_client.start_workflow(
            AnalyzeScenarios.run,
            AnalyzeInput(operation_id=operation.operation_id, lanes=2),
            id=operation.operation_id,
            task_queue=PROPOSALS_QUEUE,
        )
        cause = "the database cannot be reached"
        page = await page_with(storage, temporal_client, operation.operation_id, "pending analyze_chunks", cause)
        others = [name for name in page["workflow"] if name.startswith("pending analyze_chunks, activity ")]
        assert len(others) == 1
        runs = page["runs"]
        assert (runs["succeeded"], runs["remaining"], runs["chunks"], runs["rate"]) == (0, 3, "0 of 1", None)
        await temporal_client.get_workflow_handle(operation.operation_id).terminate()

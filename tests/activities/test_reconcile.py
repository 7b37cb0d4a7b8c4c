"""Operations that stopped moving, against a real Temporal."""

import asyncio
import os
import uuid
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from builders import a_stored_operation
from fake_steps import FakeSteps, refusal
from late_starts import LATER
from prometheus_client import CollectorRegistry
from simulations import accepted
from storage_rows import reconciling
from temporalio.api.workflowservice.v1 import PauseWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from cli.local.ports import free_port
from cli.local.temporal_server import TemporalDevServer
from runtime.temporal import connect, register_search_attributes
from services.lookup import LookupService
from services.temporal_workflows import StartOutcome, WorkflowStarter, describe
from services.workflow_starts import operation_start
from storage.unit_of_work import Storage
from workflows.create_proposal import CreateProposal
from workflows.identity import PROPOSALS_QUEUE, SEARCH_ATTRIBUTES
from workflows.messages import CreateInput, ReconcileInput, ReconcileResult


async def reconciled(
    storage: Storage, client: Client, *, idle_seconds: float = 0.0, max_started: int = 300
) -> ReconcileResult:
    step = reconciling(storage, client, max_started=max_started)
    return await ActivityEnvironment().run(step.reconcile, ReconcileInput(idle_seconds=idle_seconds))


async def started(storage: Storage, client: Client) -> str:
    """An operation whose workflow runs, and waits for a worker."""
    operation = await a_stored_operation(storage)
    assert await WorkflowStarter(client).start(operation_start(operation, public_url=None)) is StartOutcome.STARTED
    return operation.operation_id


async def end_of(storage: Storage, operation_id: str) -> tuple[str, str | None, str | None]:
    operation = await LookupService(storage).operation(operation_id, client="local")
    return (operation.status.value, operation.error_code, operation.error_message)


async def test_a_workflow_that_temporal_does_not_know_is_started_again(storage: Storage, temporal_client: Client):
    operation = await a_stored_operation(storage)
    assert await reconciled(storage, temporal_client) == ReconcileResult(examined=1, restarted=1, ended=0)
    description = await temporal_client.get_workflow_handle(operation.operation_id).describe()
    assert description.typed_search_attributes
    assert await reconciled(storage, temporal_client) == ReconcileResult(examined=1, restarted=0, ended=0)


async def test_a_simulation_is_started_again_and_ends_as_its_workflow_did(storage: Storage, temporal_client: Client):
    operation_id = (await accepted(storage)).operation_id
    assert (await reconciled(storage, temporal_client)).restarted == 1
    handle = temporal_client.get_workflow_handle(operation_id)
    assert (await handle.describe()).workflow_type == "SimulateProposal"
    await handle.terminate()
    assert (await reconciled(storage, temporal_client)).ended == 1
    assert await end_of(storage, operation_id) == (
        "FAILED",
        "ProposalOperationTerminatedError",
        "OPERATION_TERMINATED",
    )
    assert (await accepted(storage)).attempt == 2


async def test_a_workflow_that_is_lost_for_the_fourth_time_ends_its_operation(
    storage: Storage, temporal_client: Client, database_dsn
):
    operation = await a_stored_operation(storage)
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE operations SET workflow_restarts = 3")
    assert (await reconciled(storage, temporal_client)).ended == 1
    assert await end_of(storage, operation.operation_id) == (
        "FAILED",
        "ProposalInternalError",
        "OPERATION_INTERNAL_ERROR",
    )


async def test_a_terminated_workflow_ends_its_operation(storage: Storage, temporal_client: Client):
    operation_id = await started(storage, temporal_client)
    await temporal_client.get_workflow_handle(operation_id).terminate()
    assert (await reconciled(storage, temporal_client)).ended == 1
    assert await end_of(storage, operation_id) == (
        "FAILED",
        "ProposalOperationTerminatedError",
        "OPERATION_TERMINATED",
    )


async def test_a_workflow_that_timed_out_ends_its_operation(storage: Storage, temporal_client: Client):
    operation = await a_stored_operation(storage)
    handle = await temporal_client.start_workflow(
        "CreateProposal",
        CreateInput(operation_id=operation.operation_id, is_large=False),
        id=operation.operation_id,
        task_queue=PROPOSALS_QUEUE,
        execution_timeout=timedelta(seconds=1),
    )
    while (await handle.describe()).close_time is None:
        await asyncio.sleep(0.1)
    assert (await reconciled(storage, temporal_client)).ended == 1
    assert await end_of(storage, operation.operation_id) == (
        "FAILED",
        "ProposalOperationTimedOutError",
        "OPERATION_TIMED_OUT",
    )


async def test_a_workflow_that_failed_without_recording_it_ends_its_operation_with_its_words(
    storage: Storage, temporal_client: Client
):
    operation_id = await started(storage, temporal_client)
    steps = FakeSteps(simulate=refusal)
    async with Worker(
        temporal_client, task_queue=PROPOSALS_QUEUE, workflows=[CreateProposal], activities=steps.registered()
    ):
        handle = temporal_client.get_workflow_handle(operation_id)
        while (await handle.describe()).close_time is None:
            await asyncio.sleep(0.1)
    assert (await reconciled(storage, temporal_client)).ended == 1
    status, code, message = await end_of(storage, operation_id)
    assert (status, code) == ("FAILED", "ProposalValidationError")
    assert (message or "").startswith("PROPOSAL_SIMULATION_DISABLED")


async def test_two_runs_at_once_take_different_rows(storage: Storage, temporal_client: Client):
    for _ in range(20):
        await a_stored_operation(storage)
    results = await asyncio.gather(*(reconciled(storage, temporal_client, idle_seconds=3600) for _ in range(2)))
    assert sum(result.examined for result in results) == 20
    assert sum(result.restarted for result in results) == 20


async def test_a_run_that_dies_with_its_rows_only_delays_them(storage: Storage, temporal_client: Client, database_dsn):
    """Its rows count as moved, and nothing else of it is left behind."""
    operation = await a_stored_operation(storage)
    async with storage.transaction() as transaction:
        (taken,) = await transaction.operation_starts.take_waiting(idle=timedelta(0), limit=200)
    assert taken.operation_id == operation.operation_id
    assert (await reconciled(storage, temporal_client, idle_seconds=30)).examined == 0
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE operations SET progress_at = progress_at - interval '31 seconds'")
    assert (await reconciled(storage, temporal_client, idle_seconds=30)).restarted == 1


async def test_a_run_tells_the_highest_attempt_of_a_workflow_task(storage: Storage, temporal_client: Client):
    registry = CollectorRegistry()
    step = reconciling(
        storage,
        temporal_client,
        registry=registry,
    )

    def told() -> tuple[float | None, float | None]:
        examined = registry.get_sample_value("proposals_reconcile_operations_total", {"outcome": "examined"})
        return examined, registry.get_sample_value("proposals_workflow_task_attempt_max")

    await ActivityEnvironment().run(step.reconcile, ReconcileInput(idle_seconds=0.0))
    assert told() == (0, 0)
    await started(storage, temporal_client)
    await ActivityEnvironment().run(step.reconcile, ReconcileInput(idle_seconds=0.0))
    assert told() == (1, 1)


async def test_what_moved_lately_is_left_alone(storage: Storage, temporal_client: Client, database_dsn):
    await a_stored_operation(storage)
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE operations SET progress_at = now()")
    assert (await reconciled(storage, temporal_client, idle_seconds=30)).examined == 0


async def test_nothing_is_judged_while_temporal_does_not_answer(storage: Storage, monkeypatch: pytest.MonkeyPatch):
    operation = await a_stored_operation(storage)
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    client = await connect(lazy=True, identity="test")
    assert await reconciled(storage, client) == ReconcileResult(examined=1, restarted=0, ended=0)
    assert await end_of(storage, operation.operation_id) == ("PENDING", None, None)


CANCELLED_UNTOLD = """
UPDATE operations
SET status = 'FAILED', error_code = 'ProposalOperationCancelledError', error_message = 'OPERATION_CANCELLED',
    finished_at = now(), workflow_to_cancel = true, updated_at = %s
"""


async def test_a_cancel_that_temporal_was_not_told_of_is_told_once(
    storage: Storage, temporal_client: Client, database_dsn
):
    operation_id = await started(storage, temporal_client)
    with psycopg.connect(database_dsn) as connection:
        connection.execute(CANCELLED_UNTOLD, ["now"])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("activities.reconcile.CANCEL_IDLE", timedelta(hours=1))
        assert (await reconciled(storage, temporal_client)).cancelled == 0  # the API that took it goes first
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE operations SET updated_at = now() - interval '10 seconds'")
    assert (await reconciled(storage, temporal_client)).cancelled == 1
    assert (await reconciled(storage, temporal_client)).cancelled == 0
    history = await temporal_client.get_workflow_handle(operation_id).fetch_history()
    requests = [event.HasField("workflow_execution_cancel_requested_event_attributes") for event in history.events]
    assert requests.count(True) == 1


async def test_a_cancelled_operation_that_temporal_does_not_know_is_done(
    storage: Storage, temporal_client: Client, database_dsn
):
    await a_stored_operation(storage)
    with psycopg.connect(database_dsn) as connection:
        connection.execute(CANCELLED_UNTOLD, ["epoch"])
    assert (await reconciled(storage, temporal_client)).cancelled == 1


async def test_what_waits_for_its_turn_is_not_started_by_reconcile(
    storage: Storage, temporal_client: Client, database_dsn
):
    running, waiting = await a_stored_operation(storage), await a_stored_operation(storage)
    with psycopg.connect(database_dsn) as connection:
        connection.execute(
            "UPDATE operations SET started_workflow_at = now() WHERE operation_id = %s", [running.operation_id]
        )
    assert (await reconciled(storage, temporal_client, max_started=1)).examined == 1
    assert (await reconciled(storage, temporal_client, max_started=2)).examined == 2
    assert waiting.operation_id != running.operation_id


async def occupied(client: Client, operation_id: str, what: str) -> None:
    """A workflow under the operation's id that is not its own."""
    is_twin = what == "another operation's"
    await client.start_workflow(
        "CreateVersion" if what == "another type" else "CreateProposal",
        CreateInput(operation_id="pop_another" if is_twin else operation_id, is_large=False),
        id=operation_id,
        task_queue="nobody" if what == "another queue" else PROPOSALS_QUEUE,
        **LATER.get(what, {}),
    )


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("what", ["another type", "another operation's", "another queue", *LATER])
async def test_a_foreign_workflow_under_the_operations_id_is_replaced_by_its_own(
    storage: Storage, temporal_client: Client, database_dsn, what, is_closed
):
    operation_id = (await a_stored_operation(storage)).operation_id
    await occupied(temporal_client, operation_id, what)
    foreign = await temporal_client.get_workflow_handle(operation_id).describe()
    if is_closed:
        await temporal_client.get_workflow_handle(operation_id).terminate()
    assert await reconciled(storage, temporal_client) == ReconcileResult(examined=1, restarted=1)
    own = await temporal_client.get_workflow_handle(operation_id).describe()
    assert own.run_id != foreign.run_id
    assert (own.workflow_type, own.task_queue, own.close_time) == ("CreateProposal", PROPOSALS_QUEUE, None)
    assert await end_of(storage, operation_id) == ("PENDING", None, None)
    assert await reconciled(storage, temporal_client) == ReconcileResult(examined=1)


async def test_a_workflow_without_input_under_the_operations_id_is_foreign(storage: Storage, temporal_client: Client):
    operation_id = (await a_stored_operation(storage)).operation_id
    await temporal_client.start_workflow("CreateProposal", id=operation_id, task_queue=PROPOSALS_QUEUE)
    assert (await reconciled(storage, temporal_client)).restarted == 1


async def test_a_paused_workflow_is_open(storage: Storage):
    """The SDK does not know this status, which a server has only when it is told to."""
    settings = {"frontend.WorkflowPauseEnabled": "true"}
    with TemporalDevServer(
        None, free_port(), free_port(), log=Path(os.devnull), dynamic_configuration=settings
    ) as server:
        client = await Client.connect(server.address, data_converter=pydantic_data_converter)
        await register_search_attributes(client, SEARCH_ATTRIBUTES)
        operation_id = await started(storage, client)
        await client.workflow_service.pause_workflow_execution(
            PauseWorkflowExecutionRequest(
                namespace=client.namespace, workflow_id=operation_id, reason="a look", request_id=str(uuid.uuid4())
            )
        )
        assert (await describe(client, operation_id)).status == "PAUSED"
        assert await reconciled(storage, client) == ReconcileResult(examined=1)
        assert await end_of(storage, operation_id) == ("PENDING", None, None)

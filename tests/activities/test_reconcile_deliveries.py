"""Overdue callbacks, against a real Temporal."""

import asyncio
from collections.abc import Callable

import psycopg
import pytest
from builders import a_stored_operation
from late_starts import LATER
from storage_rows import reconciling
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from cli.local.ports import free_port
from domain.errors import OperationCancelled
from domain.operation import OperationFailure
from runtime.temporal import connect
from services.ending import end_failed
from services.start_queue import BACK_OFF_SECONDS, StartQueue
from services.start_sources import DeliverySource, Verdict
from services.temporal_workflows import StartOutcome, WorkflowDescription, WorkflowStart, WorkflowStarter
from services.workflow_starts import delivery_start
from storage.unit_of_work import Storage
from storage.workflow_starts import CLAIM_DELIVERIES, PendingDelivery
from workflows.identity import CALLBACKS_QUEUE, CORRELATION_ID, DELIVER_NOW, delivery_workflow_id_of
from workflows.messages import DeliverCallbackInput, ReconcileDeliveriesInput, ReconcileDeliveriesResult


async def owed(storage: Storage) -> str:
    operation = await a_stored_operation(storage, callback_url="https://a.example/hidden")
    await end_failed(storage, operation.operation_id, OperationFailure.of(OperationCancelled))
    return operation.operation_id


async def start_of(storage: Storage, operation_id: str) -> WorkflowStart:
    async with storage.transaction() as transaction:
        delivery = await transaction.delivery_starts.current(operation_id)
    assert delivery is not None
    return delivery_start(delivery, public_url=None, replaces_closed=False)


async def reconciled(storage: Storage, client: Client, *, seconds: float = 0) -> ReconcileDeliveriesResult:
    step = reconciling(storage, client)
    return await ActivityEnvironment().run(step.reconcile_deliveries, ReconcileDeliveriesInput(overdue_seconds=seconds))


def changed(dsn: str, assignments: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(f"UPDATE callback_deliveries SET {assignments}")


async def test_a_callback_whose_workflow_temporal_does_not_know_is_started_again(
    storage: Storage, temporal_client: Client
):
    operation_id = await owed(storage)
    assert await reconciled(storage, temporal_client) == ReconcileDeliveriesResult(examined=1, restarted=1, failed=0)
    description = await temporal_client.get_workflow_handle(delivery_workflow_id_of(operation_id)).describe()
    assert description.task_queue == CALLBACKS_QUEUE
    assert description.typed_search_attributes[CORRELATION_ID] == "corr-1"
    assert await reconciled(storage, temporal_client) == ReconcileDeliveriesResult(examined=1, restarted=0, failed=0)


async def test_a_callback_whose_workflow_was_terminated_has_failed(storage: Storage, temporal_client: Client):
    operation_id = await owed(storage)
    await reconciled(storage, temporal_client)
    await temporal_client.get_workflow_handle(delivery_workflow_id_of(operation_id)).terminate()
    assert (await reconciled(storage, temporal_client)).failed == 1
    async with storage.reading() as reading:
        delivery = await reading.deliveries.get(operation_id)
    assert delivery is not None
    assert delivery.status == "FAILED"


class ClosedMeanwhile(DeliverySource):
    """A redelivery is asked for while reconcile looks at the closed workflow of the delivery before."""

    async def end(self, row: PendingDelivery, described: WorkflowDescription) -> Verdict:
        async with self._storage.transaction() as transaction:
            await transaction.deliveries.reopen(row.operation_id, attempts_before=0, by="local")
        return await super().end(row, described)


async def test_a_redelivery_that_is_asked_for_meanwhile_is_not_given_up(
    storage: Storage, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
):
    operation_id = await owed(storage)
    await reconciled(storage, temporal_client)
    await temporal_client.get_workflow_handle(delivery_workflow_id_of(operation_id)).terminate()
    monkeypatch.setattr("activities.reconcile.DeliverySource", ClosedMeanwhile)
    assert (await reconciled(storage, temporal_client)).failed == 0
    monkeypatch.undo()
    assert (await reconciled(storage, temporal_client)).restarted == 1


async def test_a_redelivery_after_the_workflow_closed_is_started(storage: Storage, temporal_client: Client):
    operation_id = await owed(storage)
    await reconciled(storage, temporal_client)
    handle = temporal_client.get_workflow_handle(delivery_workflow_id_of(operation_id))
    await handle.terminate()
    while (await handle.describe()).close_time is None:
        await asyncio.sleep(0.05)
    async with storage.transaction() as transaction:
        await transaction.deliveries.reopen(operation_id, attempts_before=0, by="local")
    assert (await reconciled(storage, temporal_client)).restarted == 1
    assert (await handle.describe()).close_time is None


async def test_a_redelivery_is_started_however_far_temporals_clock_is_ahead(
    storage: Storage, temporal_client: Client, database_dsn
):
    """The workflow of the earlier round has closed, by Temporal's clock after the redelivery was asked for."""
    operation_id = await owed(storage)
    await reconciled(storage, temporal_client)
    handle = temporal_client.get_workflow_handle(delivery_workflow_id_of(operation_id))
    await handle.terminate()
    async with storage.transaction() as transaction:
        await transaction.deliveries.reopen(operation_id, attempts_before=0, by="local")
    changed(database_dsn, "redelivered_at = now() - interval '1 hour', created_at = now() - interval '1 hour'")
    assert (await reconciled(storage, temporal_client)).restarted == 1


async def test_what_is_not_overdue_or_was_looked_at_lately_is_left_alone(
    storage: Storage, temporal_client: Client, database_dsn
):
    await owed(storage)
    assert (await reconciled(storage, temporal_client, seconds=60)).examined == 0
    changed(database_dsn, "due_at = now() - interval '61 seconds'")
    assert (await reconciled(storage, temporal_client, seconds=60)).examined == 1
    assert (await reconciled(storage, temporal_client, seconds=60)).examined == 0


async def test_two_runs_at_once_take_different_deliveries(storage: Storage, temporal_client: Client, database_dsn):
    for _ in range(10):
        await owed(storage)
    changed(database_dsn, "due_at = now() - interval '61 seconds'")
    results = await asyncio.gather(*(reconciled(storage, temporal_client, seconds=60) for _ in range(2)))
    assert sum(result.restarted for result in results) == 10


async def test_nothing_is_judged_while_temporal_does_not_answer(storage: Storage, monkeypatch: pytest.MonkeyPatch):
    operation_id = await owed(storage)
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    client = await connect(lazy=True, identity="test")
    assert await reconciled(storage, client) == ReconcileDeliveriesResult(examined=1, restarted=0, failed=0)
    start = await start_of(storage, operation_id)
    assert await WorkflowStarter(client).start(start) is StartOutcome.UNREACHABLE


async def test_a_start_is_one_however_often_it_is_asked_for(storage: Storage, temporal_client: Client):
    start = await start_of(storage, await owed(storage))
    starter = WorkflowStarter(temporal_client)
    assert {await starter.start(start) for _ in range(3)} == {StartOutcome.STARTED}
    handle = temporal_client.get_workflow_handle(start.own.workflow_id)
    run_id = (await handle.describe()).run_id
    await handle.terminate()
    assert await starter.start(start) is StartOutcome.STARTED
    assert (await handle.describe()).run_id == run_id


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("what", ["another type", "another operation's", "another queue", *LATER])
async def test_a_foreign_workflow_under_the_callbacks_id_is_replaced_by_its_own(
    storage: Storage, temporal_client: Client, what, is_closed
):
    operation_id = await owed(storage)
    handle = temporal_client.get_workflow_handle(delivery_workflow_id_of(operation_id))
    await temporal_client.start_workflow(
        "CreateProposal" if what == "another type" else "DeliverCallback",
        DeliverCallbackInput(operation_id="pop_another" if what == "another operation's" else operation_id),
        id=handle.id,
        task_queue="nobody" if what == "another queue" else CALLBACKS_QUEUE,
        **LATER.get(what, {}),
    )
    foreign = await handle.describe()
    if is_closed:
        await handle.terminate()
    assert await reconciled(storage, temporal_client) == ReconcileDeliveriesResult(examined=1, restarted=1, failed=0)
    own = await handle.describe()
    assert own.run_id != foreign.run_id
    assert (own.workflow_type, own.task_queue, own.close_time) == ("DeliverCallback", CALLBACKS_QUEUE, None)


async def test_a_delivery_that_was_started_by_hand_before_it_came_about_is_started_when_it_has(
    storage: Storage, temporal_client: Client
):
    operation = await a_stored_operation(storage, callback_url="https://a.example/hidden")
    handle = temporal_client.get_workflow_handle(delivery_workflow_id_of(operation.operation_id))
    order = DeliverCallbackInput(operation_id=operation.operation_id)
    await temporal_client.start_workflow("DeliverCallback", order, id=handle.id, task_queue=CALLBACKS_QUEUE)
    await handle.terminate()
    await asyncio.sleep(0.1)
    await end_failed(storage, operation.operation_id, OperationFailure.of(OperationCancelled))
    assert (await reconciled(storage, temporal_client)).restarted == 1
    assert (await handle.describe()).close_time is None


async def test_a_delivery_that_waits_longer_than_its_row_says_looks_at_it_again(
    storage: Storage, temporal_client: Client
):
    """An operator may have typed how long it waits."""
    operation_id = await owed(storage)
    await WorkflowStarter(temporal_client).start(await start_of(storage, operation_id))
    assert (await reconciled(storage, temporal_client)).examined == 1
    history = await temporal_client.get_workflow_handle(delivery_workflow_id_of(operation_id)).fetch_history()
    signals = [event.workflow_execution_signaled_event_attributes.signal_name for event in history.events]
    assert signals.count(DELIVER_NOW) == 1


class Temporal:
    """Starts workflows, or is unavailable."""

    def __init__(self) -> None:
        self.is_away = False
        self.started: list[str] = []

    async def is_reachable(self) -> bool:
        return not self.is_away

    async def start(self, start: WorkflowStart) -> StartOutcome:
        if self.is_away:
            return StartOutcome.UNREACHABLE
        self.started.append(start.own.names or "")
        return StartOutcome.STARTED


@pytest.fixture
def unstarted(database_dsn) -> Callable[[], int]:
    def count() -> int:
        with psycopg.connect(database_dsn) as connection:
            row = connection.execute(
                "SELECT count(*) FROM callback_deliveries WHERE started_workflow_at IS NULL"
            ).fetchone()
        assert row is not None
        return row[0]

    return count


async def test_the_operations_own_workflow_gets_two_seconds_to_start_its_callback(storage: Storage, database_dsn):
    await owed(storage)
    with psycopg.connect(database_dsn) as connection:  # one transaction: its now() stands still
        for age, claimed in (("1.9 seconds", 0), ("2.1 seconds", 1)):
            connection.execute(f"UPDATE callback_deliveries SET created_at = now() - interval '{age}'")
            assert connection.execute(CLAIM_DELIVERIES, {"limit": 10}).rowcount == claimed


async def test_the_starter_starts_what_nobody_did_once_over_all_processes(storage: Storage, database_dsn, unstarted):
    expected = sorted([await owed(storage) for _ in range(12)])
    temporals = Temporal(), Temporal()
    queues = [StartQueue(storage, temporal, [DeliverySource(storage, None, public_url=None)]) for temporal in temporals]
    changed(database_dsn, "created_at = now() - interval '3 seconds'")
    temporals[0].is_away = True
    assert await queues[0].start_round() == BACK_OFF_SECONDS
    temporals[0].is_away = False
    assert BACK_OFF_SECONDS not in await asyncio.gather(*(queue.start_round() for queue in queues))
    assert sorted(temporals[0].started + temporals[1].started) == expected
    assert unstarted() == 0

"""Housekeeping: how long one run goes on, what starts it, and what it does not believe."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from late_starts import LATER
from prometheus_client import CollectorRegistry
from sandbox import sandboxed_runner
from storage_rows import reconciling
from temporalio import activity
from temporalio.client import Client, ScheduleIntervalSpec, ScheduleSpec, WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker
from waiting import PATIENCE_SECONDS

from services.temporal_workflows import FOREIGN
from storage.unit_of_work import Storage
from worker.one_argument import OneArgument
from worker.registry import housekeeping_workflows
from worker.upkeep import keep_temporal_prepared, start_reconcile
from workflows import policies
from workflows.checkpoint_evidence import CheckpointEvidence
from workflows.identity import CHECKPOINT_ID, HOUSEKEEPING_QUEUE, PURGE_ID, RECONCILE_ID
from workflows.messages import (
    CheckpointInput,
    CheckpointResult,
    HousekeepingInput,
    PurgeInput,
    PurgeResult,
    ReconcileDeliveriesInput,
    ReconcileDeliveriesResult,
    ReconcileInput,
    ReconcileResult,
)
from workflows.purge_operations import PurgeOperations
from workflows.reconcile_operations import MAX_BATCHES, ReconcileOperations
from workflows.schedules import apply_schedules, create_missing_schedules, wanted_schedules

FULL = ReconcileInput().batch_size


class FakeHousekeeping:
    """Answers with these results, the last of them for ever."""

    def __init__(self, results: Sequence[ReconcileResult | PurgeResult | CheckpointResult | Exception]) -> None:
        self._results = list(results)
        self.calls = 0
        self.inputs: list[ReconcileInput | PurgeInput | CheckpointInput] = []
        self.deliveries = 0

    def _next(self) -> ReconcileResult | PurgeResult | CheckpointResult:
        self.calls += 1
        result = self._results[min(self.calls, len(self._results)) - 1]
        if isinstance(result, Exception):
            raise result
        return result

    @activity.defn(name="reconcile")
    async def reconcile(self, step: ReconcileInput) -> ReconcileResult:
        self.inputs.append(step)
        result = self._next()
        assert isinstance(result, ReconcileResult)
        return result

    @activity.defn(name="reconcile_deliveries")
    async def reconcile_deliveries(self, step: ReconcileDeliveriesInput) -> ReconcileDeliveriesResult:
        self.deliveries += 1
        return ReconcileDeliveriesResult(examined=0, restarted=0, failed=0)

    @activity.defn(name="purge")
    async def purge(self, step: PurgeInput) -> PurgeResult:
        self.inputs.append(step)
        result = self._next()
        assert isinstance(result, PurgeResult)
        return result

    @activity.defn(name="checkpoint")
    async def checkpoint(self, step: CheckpointInput) -> CheckpointResult:
        self.inputs.append(step)
        result = self._next()
        assert isinstance(result, CheckpointResult)
        return result


@asynccontextmanager
async def working(client: Client, fake: FakeHousekeeping, *, queue: str) -> AsyncIterator[None]:
    async with Worker(
        client,
        task_queue=queue,
        workflows=housekeeping_workflows(),
        activities=[fake.reconcile, fake.reconcile_deliveries, fake.purge, fake.checkpoint],
        workflow_runner=sandboxed_runner(),
        interceptors=[OneArgument()],
    ):
        yield


async def run(client: Client, workflow, fake: FakeHousekeeping, *, under: str, order: object = None):
    queue = f"tq-{uuid.uuid4()}"
    async with working(client, fake, queue=queue):
        return await client.execute_workflow(
            workflow.run, order or HousekeepingInput(), id=f"{under}-{queue}", task_queue=queue
        )


@pytest.fixture
async def nothing_there(temporal_client: Client) -> AsyncIterator[Client]:
    """A Temporal without schedules and without the workflow that reconciles, before and after."""

    async def remove() -> None:
        for schedule_id in wanted_schedules():
            with suppress(RPCError):
                await temporal_client.get_schedule_handle(schedule_id).delete()
        with suppress(RPCError):
            await temporal_client.get_workflow_handle(RECONCILE_ID).terminate()

    await remove()
    yield temporal_client
    await remove()


@pytest.mark.parametrize(
    ("results", "calls"),
    [
        ([ReconcileResult(examined=3, restarted=3)], 1),
        ([ReconcileResult(examined=FULL, restarted=10), ReconcileResult(examined=FULL, ended=1), ReconcileResult()], 3),
        ([ReconcileResult(examined=FULL)], 1),  # all of them only wait
        ([ReconcileResult(examined=FULL, restarted=1)], MAX_BATCHES),
    ],
)
async def test_a_look_goes_on_while_whole_batches_need_repair(temporal_client, results, calls):
    fake = FakeHousekeeping(results)
    total = await run(temporal_client, ReconcileOperations, fake, under=RECONCILE_ID)
    assert fake.calls == calls
    assert total.restarted == sum(results[min(call, len(results) - 1)].restarted for call in range(calls))


async def test_a_purge_goes_on_until_nothing_is_due(temporal_client):
    fake = FakeHousekeeping([PurgeResult(operations=5, is_done=False), PurgeResult(operations=1, keys=2, documents=3)])
    total = await run(temporal_client, PurgeOperations, fake, under=PURGE_ID)
    assert total == PurgeResult(operations=6, keys=2, documents=3, is_done=True)
    assert fake.calls == 2


async def test_what_is_typed_into_a_start_changes_nothing(temporal_client):
    typed = {"idle_seconds": 0, "batch_size": 10**9, "seconds": 10**9}
    looking, purging = FakeHousekeeping([ReconcileResult()]), FakeHousekeeping([PurgeResult()])
    await run(temporal_client, ReconcileOperations, looking, under=RECONCILE_ID, order=typed)
    await run(temporal_client, PurgeOperations, purging, under=PURGE_ID, order=typed)
    assert (looking.inputs, purging.inputs) == ([ReconcileInput()], [PurgeInput()])


TAKEN = CheckpointResult(checkpoint_no=3, root="sha256:0", proposals=5, changed=2)


async def test_a_checkpoint_is_taken_again_after_a_failure_and_its_root_is_in_the_history(temporal_client, monkeypatch):
    again = RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_attempts=2)
    monkeypatch.setitem(policies.CHECKPOINT, "retry_policy", again)
    fake = FakeHousekeeping([RuntimeError("a bug"), TAKEN])
    assert await run(temporal_client, CheckpointEvidence, fake, under=CHECKPOINT_ID) == TAKEN
    assert fake.inputs == [CheckpointInput(), CheckpointInput()]


@pytest.mark.parametrize("workflow", [ReconcileOperations, PurgeOperations, CheckpointEvidence])
async def test_under_another_id_it_fails_with_a_plain_text_and_looks_at_nothing(temporal_client, workflow):
    fake = FakeHousekeeping([ReconcileResult()])
    with pytest.raises(WorkflowFailureError) as failed:
        await run(temporal_client, workflow, fake, under="by-hand")
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.message.endswith("nothing was changed")
    assert fake.calls == 0


@pytest.mark.parametrize("args", [[], [HousekeepingInput(), HousekeepingInput()]])
async def test_a_start_without_its_one_argument_fails_instead_of_hanging(temporal_client, args):
    queue = f"tq-{uuid.uuid4()}"
    async with working(temporal_client, FakeHousekeeping([PurgeResult()]), queue=queue):
        handle = await temporal_client.start_workflow("PurgeOperations", args=args, id=queue, task_queue=queue)
        with pytest.raises(WorkflowFailureError) as failed:
            await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.message == "it was started without its one argument: nothing was changed"


async def test_reconcile_goes_on_after_a_failure_and_as_a_new_run_of_the_same_id(nothing_there, monkeypatch):
    monkeypatch.setattr(policies, "RECONCILE_INTERVAL", timedelta(milliseconds=50))
    monkeypatch.setattr(policies, "RECONCILE_RUN", timedelta(seconds=4))
    fake = FakeHousekeeping([ReconcileResult(), RuntimeError("a bug"), ReconcileResult()])
    await start_reconcile(nothing_there)
    first = (await nothing_there.get_workflow_handle(RECONCILE_ID).describe()).run_id
    async with working(nothing_there, fake, queue=HOUSEKEEPING_QUEUE):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (
                later := await nothing_there.get_workflow_handle(RECONCILE_ID).describe()
            ).run_id == first or fake.calls <= 2:
                await asyncio.sleep(0.1)
    assert fake.deliveries < fake.calls
    assert later.close_time is None
    ended = await nothing_there.get_workflow_handle(RECONCILE_ID, run_id=first).describe()
    assert ended.status is not None
    assert ended.status.name == "CONTINUED_AS_NEW"
    assert not await start_reconcile(nothing_there)  # it is believed


async def test_upkeep_keeps_reconcile_alive(nothing_there):
    await keep_temporal_prepared(nothing_there, checkpoints=False)
    handle = nothing_there.get_workflow_handle(RECONCILE_ID)
    first = (await handle.describe()).run_id
    await keep_temporal_prepared(nothing_there, checkpoints=False)
    assert (await handle.describe()).run_id == first
    await handle.terminate()
    await asyncio.gather(*(keep_temporal_prepared(nothing_there, checkpoints=False) for _ in range(3)))
    second = await handle.describe()
    assert second.run_id != first
    assert second.close_time is None


FOREIGN_STARTS = {
    "another type": ("Foreign", "nobody", {}),
    **{name: ("ReconcileOperations", HOUSEKEEPING_QUEUE, later) for name, later in LATER.items()},
}


@pytest.mark.parametrize(("name", "queue", "options"), FOREIGN_STARTS.values(), ids=FOREIGN_STARTS)
async def test_upkeep_takes_the_id_from_a_foreign_workflow(nothing_there, name, queue, options):
    foreign = await nothing_there.start_workflow(
        name, HousekeepingInput(), id=RECONCILE_ID, task_queue=queue, **options
    )
    await keep_temporal_prepared(nothing_there, checkpoints=False)
    own = await nothing_there.get_workflow_handle(RECONCILE_ID).describe()
    assert own.run_id != foreign.first_execution_run_id
    assert (own.workflow_type, own.close_time) == ("ReconcileOperations", None)
    await keep_temporal_prepared(nothing_there, checkpoints=False)
    assert (await nothing_there.get_workflow_handle(RECONCILE_ID).describe()).run_id == own.run_id
    history = nothing_there.get_workflow_handle(RECONCILE_ID, run_id=foreign.first_execution_run_id)
    (closed,) = [
        event.workflow_execution_terminated_event_attributes.reason
        for event in (await history.fetch_history()).events
        if event.HasField("workflow_execution_terminated_event_attributes")
    ]
    assert closed == FOREIGN


async def test_the_times_of_an_earlier_releases_schedule_are_taken_away_and_its_pause_is_kept(nothing_there):
    earlier = wanted_schedules()[RECONCILE_ID]
    earlier.spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=10))])
    earlier.state.paused, earlier.state.note = True, "by an operator"
    handle = await nothing_there.create_schedule(RECONCILE_ID, earlier)
    for change in (keep_temporal_prepared, apply_schedules):
        await change(nothing_there, checkpoints=False)
        schedule = (await handle.describe()).schedule
        assert not schedule.spec.intervals
        assert (schedule.state.paused, schedule.state.note) == (True, "by an operator")


async def test_the_pause_of_the_schedule_stops_reconcile_and_its_sign_of_life(nothing_there, storage: Storage):
    registry = CollectorRegistry()

    def last_run() -> float | None:
        return registry.get_sample_value("proposals_reconcile_last_run_timestamp_seconds")

    step = reconciling(storage, nothing_there, registry=registry)
    await create_missing_schedules(nothing_there, checkpoints=False)
    switch = nothing_there.get_schedule_handle(RECONCILE_ID)
    at_start = last_run()
    assert not (await ActivityEnvironment().run(step.reconcile, ReconcileInput())).is_paused
    before_the_pause = last_run()
    assert before_the_pause != at_start
    await switch.pause()
    assert await ActivityEnvironment().run(step.reconcile, ReconcileInput()) == ReconcileResult(is_paused=True)
    assert last_run() == before_the_pause
    await switch.unpause()
    assert not (await ActivityEnvironment().run(step.reconcile, ReconcileInput())).is_paused
    fake = FakeHousekeeping([ReconcileResult(is_paused=True)])
    looked = await run(nothing_there, ReconcileOperations, fake, under=RECONCILE_ID)
    assert (looked.is_paused, fake.deliveries) == (True, 0)


async def test_schedules_are_made_once_and_replaced_when_the_code_changes(nothing_there, monkeypatch):
    without = {"reconcile-operations", "purge-operations"}
    assert set(await create_missing_schedules(nothing_there, checkpoints=False)) == without
    assert set(await apply_schedules(nothing_there, checkpoints=False)) == without
    assert await create_missing_schedules(nothing_there, checkpoints=True) == ["checkpoint-evidence"]
    assert await create_missing_schedules(nothing_there, checkpoints=True) == []
    changed = wanted_schedules()
    changed["purge-operations"].policy.catchup_window *= 2
    monkeypatch.setattr("workflows.schedules.wanted_schedules", lambda: changed)
    for _ in range(2):
        assert await apply_schedules(nothing_there, checkpoints=True) == list(changed)
        described = await nothing_there.get_schedule_handle("purge-operations").describe()
        assert described.schedule.policy.catchup_window == changed["purge-operations"].policy.catchup_window

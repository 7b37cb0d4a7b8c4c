"""The scheduled workflows: how long one run goes on."""

import uuid
from collections.abc import Sequence
from contextlib import suppress

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from worker.registry import housekeeping_workflows
from worker.sandbox import sandboxed_runner
from workflows.messages import (
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


class FakeHousekeeping:
    """Answers with these results, the last of them for ever."""

    def __init__(self, results: Sequence[ReconcileResult | PurgeResult]) -> None:
        self._results = list(results)
        self.calls = 0

    def _next(self) -> ReconcileResult | PurgeResult:
        self.calls += 1
        return self._results[min(self.calls, len(self._results)) - 1]

    @activity.defn(name="reconcile")
    async def reconcile(self, step: ReconcileInput) -> ReconcileResult:
        result = self._next()
        assert isinstance(result, ReconcileResult)
        return result

    @activity.defn(name="reconcile_deliveries")
    async def reconcile_deliveries(self, step: ReconcileDeliveriesInput) -> ReconcileDeliveriesResult:
        return ReconcileDeliveriesResult(examined=0, restarted=0, failed=0)

    @activity.defn(name="purge")
    async def purge(self, step: PurgeInput) -> PurgeResult:
        result = self._next()
        assert isinstance(result, PurgeResult)
        return result


async def run(client: Client, workflow, order, fake: FakeHousekeeping):
    queue = f"tq-{uuid.uuid4()}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=housekeeping_workflows(),
        activities=[fake.reconcile, fake.reconcile_deliveries, fake.purge],
        workflow_runner=sandboxed_runner(),
    ):
        return await client.execute_workflow(workflow.run, order, id=queue, task_queue=queue)


@pytest.mark.parametrize(
    ("results", "calls"),
    [
        ([ReconcileResult(examined=3, restarted=3)], 1),
        ([ReconcileResult(examined=10, restarted=10), ReconcileResult(examined=10, ended=1), ReconcileResult()], 3),
        ([ReconcileResult(examined=10)], 1),  # all of them only wait
        ([ReconcileResult(examined=10, restarted=1)], MAX_BATCHES),
    ],
)
async def test_reconcile_goes_on_while_whole_batches_need_repair(temporal_client, results, calls):
    fake = FakeHousekeeping(results)
    total = await run(temporal_client, ReconcileOperations, ReconcileInput(batch_size=10), fake)
    assert fake.calls == calls
    assert total.restarted == sum(results[min(call, len(results) - 1)].restarted for call in range(calls))


async def test_a_purge_goes_on_until_nothing_is_due(temporal_client):
    fake = FakeHousekeeping([PurgeResult(operations=5, is_done=False), PurgeResult(operations=1, keys=2, documents=3)])
    total = await run(temporal_client, PurgeOperations, PurgeInput(), fake)
    assert total == PurgeResult(operations=6, keys=2, documents=3, is_done=True)
    assert fake.calls == 2


async def test_schedules_are_made_once_and_replaced_when_the_code_changes(temporal_client, monkeypatch):
    for schedule_id in wanted_schedules():
        with suppress(RPCError):  # nobody may have made it yet
            await temporal_client.get_schedule_handle(schedule_id).delete()
    assert set(await create_missing_schedules(temporal_client)) == {"reconcile-operations", "purge-operations"}
    assert await create_missing_schedules(temporal_client) == []
    changed = wanted_schedules()
    changed["purge-operations"].policy.catchup_window *= 2
    monkeypatch.setattr("workflows.schedules.wanted_schedules", lambda: changed)
    for _ in range(2):
        assert await apply_schedules(temporal_client) == list(changed)
        described = await temporal_client.get_schedule_handle("purge-operations").describe()
        assert described.schedule.policy.catchup_window == changed["purge-operations"].policy.catchup_window
    for schedule_id in changed:
        await temporal_client.get_schedule_handle(schedule_id).delete()

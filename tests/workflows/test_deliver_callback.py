"""The schedule of a callback, with skipped timers."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from fake_steps import FakeSteps, outage_for, refusal
from sandbox import sandboxed_runner
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from waiting import PATIENCE_SECONDS

from domain.callback_retries import DELAYS, delay_after, status_after
from workflows.create_proposal import CreateProposal
from workflows.deliver_callback import DeliverCallback
from workflows.identity import CALLBACKS_QUEUE, CORRELATION_ID, OPERATION_TYPE, PROPOSAL_ID, delivery_workflow_id_of
from workflows.messages import (
    CreateInput,
    DeliverCallbackInput,
    DeliverInput,
    DeliverResult,
    SimulateInput,
    SimulateResult,
)


class FakeReceiver:
    """The step as the row and a receiver would have it: an answer a try, None for a busy host."""

    def __init__(self, *answers: int | None) -> None:
        self._answers = list(answers)
        self.inputs: list[DeliverInput] = []
        self.attempts = 0
        self.state = "PENDING"
        self.typed: DeliverResult | None = None
        self.is_open = True
        self.entered = asyncio.Event()
        self.leave: asyncio.Event | None = None
        self.retry_after: timedelta | None = None

    @activity.defn(name="deliver_callback")
    async def deliver_callback(self, step: DeliverInput) -> DeliverResult:
        if activity.info().is_local:
            assert step.attempts < 0
            return DeliverResult(state=self.state, attempts=self.attempts)
        self.inputs.append(step)
        if (typed := self.typed) is not None:
            self.typed = None
            return typed
        self.entered.set()
        if self.leave is not None:
            await self.leave.wait()
        if not self.is_open:
            self.state = "DELIVERED"
            return DeliverResult(state="DELIVERED", attempts=self.attempts)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            return DeliverResult(state="HOST_BUSY", attempts=self.attempts, host="a.example")
        self.attempts += 1
        self.state = status = status_after(status_code=answer, tries=self.attempts).value
        delay = timedelta(0)
        if status == "PENDING":
            delay = delay_after(tries=self.attempts, jitter=step.jitter, retry_after=self.retry_after)
        return DeliverResult(
            state=status,
            attempts=self.attempts,
            host="a.example",
            status_code=answer,
            retry_seconds=delay.total_seconds(),
        )


@asynccontextmanager
async def delivering(environment: WorkflowEnvironment, receiver: FakeReceiver) -> AsyncIterator[WorkflowHandle]:
    operation_id = f"pop_{uuid.uuid4().hex}"
    queue = f"tq-{operation_id}"
    async with Worker(
        environment.client,
        task_queue=queue,
        workflows=[DeliverCallback],
        activities=[receiver.deliver_callback],
        workflow_runner=sandboxed_runner(),
    ):
        yield await environment.client.start_workflow(
            DeliverCallback.run,
            DeliverCallbackInput(operation_id=operation_id),
            id=delivery_workflow_id_of(operation_id),
            task_queue=queue,
        )


async def timers(handle: WorkflowHandle) -> list[float]:
    """Seconds of each wait."""
    return [
        event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta().total_seconds()
        async for event in handle.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
    ]


async def test_a_callback_that_is_taken_at_once_is_one_step(skipping):
    receiver = FakeReceiver(204)
    async with delivering(skipping, receiver) as handle:
        result = await handle.result()
        assert (await handle.describe()).history_length <= 14
    assert (result.state, result.attempts) == ("DELIVERED", 1)


async def test_the_schedule_runs_out_after_ten_attempts_with_upward_jitter(skipping):
    receiver = FakeReceiver(500)
    async with delivering(skipping, receiver) as handle:
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
        waited = await timers(handle)
        description = await handle.describe()
    cause = failed.value.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.type, cause.category) == ("CallbackNotDelivered", ApplicationErrorCategory.BENIGN)
    assert cause.message == "the callback was given up after 10 attempts, the last: HTTP 500"
    assert receiver.attempts == 10
    assert len(waited) == len(DELAYS)
    for seconds, delay in zip(waited, DELAYS, strict=True):
        assert delay.total_seconds() <= seconds <= delay.total_seconds() * 1.2
    assert len({step.jitter for step in receiver.inputs}) == 10
    assert description.history_length < 130


async def test_it_goes_on_after_a_success(skipping):
    receiver = FakeReceiver(500, 503, 200)
    async with delivering(skipping, receiver) as handle:
        assert (await handle.result()).attempts == 3
    assert [step.attempts for step in receiver.inputs] == [0, 1, 2]


async def test_gone_stops_at_once(skipping):
    receiver = FakeReceiver(410)
    async with delivering(skipping, receiver) as handle:
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert await timers(handle) == []
    assert receiver.attempts == 1


@pytest.mark.parametrize("state", ["DELIVERED", "FAILED"])
async def test_an_end_that_is_typed_into_an_attempt_is_not_believed(skipping, state):
    """Its words are those of no row: the delivery goes on, and ends as its row does."""
    receiver = FakeReceiver(200)
    receiver.typed = DeliverResult(state=state, attempts=99, error="words of an operator 4711", retry_seconds=1e12)
    async with delivering(skipping, receiver) as handle:
        result = await handle.result()
    assert (result.state, result.attempts, result.error) == ("DELIVERED", 1, None)
    assert receiver.attempts == 1


@pytest.mark.parametrize("seconds", [1e12, -1e12])
async def test_a_wait_that_is_typed_into_an_attempt_is_no_longer_than_the_longest(skipping, seconds):
    receiver = FakeReceiver(200)
    receiver.typed = DeliverResult(state="PENDING", attempts=99, retry_seconds=seconds)
    async with delivering(skipping, receiver) as handle:
        assert (await handle.result()).state == "DELIVERED"
        waited = await timers(handle)
    assert all(wait <= max(DELAYS).total_seconds() * 1.2 for wait in waited)


async def test_a_busy_host_is_waited_for_longer_and_longer_without_counting_an_attempt(skipping):
    receiver = FakeReceiver(*[None] * 8, 200)
    async with delivering(skipping, receiver) as handle:
        assert (await handle.result()).attempts == 1
        waited = await timers(handle)
    for seconds, least in zip(waited, [1, 2, 4, 8, 16, 32, 60, 60], strict=True):
        assert least <= seconds <= least * 1.2


async def test_the_signal_makes_the_waiting_attempt_due_now(temporal_client):
    """On a clock that does not skip: each wait that is cut short is of an hour."""
    receiver = FakeReceiver(500, 500, 200)
    receiver.retry_after = timedelta(hours=1)
    async with delivering(WorkflowEnvironment.from_client(temporal_client), receiver) as handle:
        for count in (1, 2):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while receiver.attempts < count:
                    await asyncio.sleep(0.02)
                while len(await timers(handle)) < count:
                    await asyncio.sleep(0.02)
            await handle.signal(DeliverCallback.deliver_now)
        async with asyncio.timeout(PATIENCE_SECONDS):  # by itself the third comes after two hours
            assert (await handle.result()).attempts == 3


async def test_a_redelivery_that_comes_during_the_last_attempt_is_not_lost(temporal_client):
    """The row decides: what the signal brings is another look at it."""
    receiver = FakeReceiver(410, 200)
    receiver.leave = asyncio.Event()
    async with delivering(WorkflowEnvironment.from_client(temporal_client), receiver) as handle:
        await receiver.entered.wait()
        await handle.signal(DeliverCallback.deliver_now)
        await asyncio.sleep(0.3)
        receiver.leave.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await handle.result()).state == "DELIVERED"
    assert receiver.attempts == 2


async def ended(environment: WorkflowEnvironment, steps: FakeSteps, *, cancel: bool = False) -> str:
    operation_id = f"pop_{uuid.uuid4().hex}"
    queue = f"tq-{operation_id}"
    async with Worker(
        environment.client,
        task_queue=queue,
        workflows=[CreateProposal],
        activities=steps.registered(),
        workflow_runner=sandboxed_runner(),
    ):
        handle = await environment.client.start_workflow(
            CreateProposal.run,
            CreateInput(operation_id=operation_id, is_large=False),
            id=operation_id,
            task_queue=queue,
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(CORRELATION_ID, "crm/case/4711"),
                    SearchAttributePair(OPERATION_TYPE, "CREATE_PROPOSAL"),
                    SearchAttributePair(PROPOSAL_ID, "pp_1"),
                ]
            ),
        )
        if cancel:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not steps.calls["simulate"]:
                    await asyncio.sleep(0.02)
            await handle.cancel()
        with suppress(WorkflowFailureError):
            await handle.result()
    return operation_id


@pytest.mark.parametrize("how", ["success", "failure", "cancel"])
async def test_the_operations_workflow_starts_its_callback_which_is_found_as_the_operation_is(temporal_client, how):
    failures = {"success": {}, "failure": {"simulate": refusal}, "cancel": {"simulate": outage_for(10**9)}}
    steps = FakeSteps(has_callback=True, **failures[how])
    environment = WorkflowEnvironment.from_client(temporal_client)
    operation_id = await ended(environment, steps, cancel=how == "cancel")
    handle = temporal_client.get_workflow_handle(delivery_workflow_id_of(operation_id))
    description = await handle.describe()
    assert (description.workflow_type, description.task_queue) == ("DeliverCallback", CALLBACKS_QUEUE)
    attributes = description.typed_search_attributes
    assert attributes[CORRELATION_ID] == "crm/case/4711"
    assert attributes[OPERATION_TYPE] == "CREATE_PROPOSAL"
    assert attributes[PROPOSAL_ID] == "pp_1"
    assert operation_id in (await description.static_summary() or "")
    assert "crm/case/4711" in (await description.static_details() or "")
    await handle.terminate()


async def test_an_operation_whose_callback_was_started_before_ends_all_the_same(temporal_client):
    class Late(FakeSteps):
        @activity.defn(name="simulate")
        async def simulate(self, step: SimulateInput) -> SimulateResult:
            await temporal_client.start_workflow(
                "DeliverCallback",
                DeliverCallbackInput(operation_id=step.operation_id),
                id=delivery_workflow_id_of(step.operation_id),
                task_queue=f"nobody-{step.operation_id}",
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
            return await FakeSteps.simulate(self, step)

    environment = WorkflowEnvironment.from_client(temporal_client)
    operation_id = await ended(environment, Late(has_callback=True))
    status = (await temporal_client.get_workflow_handle(operation_id).describe()).status
    assert status is not None
    assert status.name == "COMPLETED"
    await temporal_client.get_workflow_handle(delivery_workflow_id_of(operation_id)).terminate()


async def test_an_operation_without_a_callback_starts_none(skipping):
    operation_id = await ended(skipping, FakeSteps())
    events = [event async for event in skipping.client.get_workflow_handle(operation_id).fetch_history_events()]
    assert not [event for event in events if "CHILD" in EventType.Name(event.event_type)]

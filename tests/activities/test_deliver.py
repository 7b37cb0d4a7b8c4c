"""Attempts against a real receiver and the real log, without Temporal."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from builders import a_stored_operation
from prometheus_client import CollectorRegistry
from receiver import OLD_SECRET, RULES, SECRET, Receiver
from storage_rows import environment_of
from temporalio.exceptions import ApplicationError
from waiting import PATIENCE_SECONDS, until

from activities.deliver import DeliverStep
from activities.host_slots import SLOTS_OF_A_HOST, HostSlots
from activities.metrics import WorkerMetrics
from domain.callback import CallbackRules, webhook_id
from domain.errors import OperationCancelled
from domain.operation import OperationFailure
from services import callback_sender
from services.callback_target import CallbackTargets
from services.callback_transport import CallbackTransport
from services.ending import end_failed
from services.lookup import LookupService
from services.redelivery import RedeliveryService
from storage.deliveries import Delivery, DeliveryAttempt
from storage.unit_of_work import Storage
from workflows.messages import DeliverInput, DeliverResult


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        yield receiver


class Worker:
    """The step of one worker process."""

    def __init__(self, storage: Storage, rules: CallbackRules = RULES, **options) -> None:
        self.storage = storage
        self.slots = HostSlots()
        self._step = DeliverStep(
            storage,
            CallbackTargets(rules, **options),
            CallbackTransport(),
            rules=rules,
            slots=self.slots,
            metrics=WorkerMetrics(CollectorRegistry()),
        )

    async def attempt(
        self,
        operation_id: str,
        *,
        attempts: int = 0,
        jitter: float = 0.5,
        workflow_id: str | None = None,
        workflow_type: str = "DeliverCallback",
    ) -> DeliverResult:
        order = DeliverInput(operation_id=operation_id, attempts=attempts, jitter=jitter)
        environment = environment_of(workflow_id or f"callback-{operation_id}", workflow_type)
        return await environment.run(self._step.deliver_callback, order)

    async def row(self, operation_id: str) -> Delivery:
        async with self.storage.reading() as reading:
            found = await reading.deliveries.get(operation_id)
        assert found is not None
        return found

    async def log(self, operation_id: str) -> list[DeliveryAttempt]:
        async with self.storage.reading() as reading:
            return await reading.deliveries.attempts(operation_id)


async def an_owed_callback(storage: Storage, url: str) -> str:
    operation = await a_stored_operation(storage, callback_url=url)
    await end_failed(storage, operation.operation_id, OperationFailure.of(OperationCancelled))
    return operation.operation_id


async def test_an_attempt_and_its_outcome_are_recorded_together(storage: Storage, receiver):
    worker, operation_id = Worker(storage), await an_owed_callback(storage, receiver.url)
    began = datetime.now(UTC)
    result = await worker.attempt(operation_id)
    assert result == DeliverResult(state="DELIVERED", attempts=1, host="127.0.0.1", status_code=204)
    row = await worker.row(operation_id)
    assert (row.status, row.finished_at is None, row.attempts) == ("DELIVERED", False, 1)
    (attempt,) = await worker.log(operation_id)
    assert (attempt.attempt_no, attempt.status_code, attempt.error_class) == (1, 204, None)
    assert began <= attempt.attempted_at <= datetime.now(UTC)
    assert receiver.received[0].verified()["data"]["error"]["message"] == "OPERATION_CANCELLED"


async def test_what_has_ended_is_not_told_again(storage: Storage, receiver):
    worker, operation_id = Worker(storage), await an_owed_callback(storage, receiver.url)
    await worker.attempt(operation_id)
    assert (await worker.attempt(operation_id, attempts=1)).state == "DELIVERED"
    assert len(receiver.received) == 1


async def test_an_attempt_that_was_recorded_is_not_made_again_when_its_worker_died_before_it_could_say_so(
    storage: Storage, receiver
):
    receiver.answers = [(503, {"Retry-After": "3600"})]
    worker, operation_id = Worker(storage), await an_owed_callback(storage, receiver.url)
    first = await worker.attempt(operation_id)
    again = await Worker(storage).attempt(operation_id)
    assert (again.state, again.attempts) == ("PENDING", 1)
    assert 0 < again.retry_seconds <= first.retry_seconds
    assert len(receiver.received) == 1


async def test_the_next_attempt_is_due_by_the_schedule_and_after_what_the_receiver_says(storage: Storage, receiver):
    receiver.answers = [(503, {}), (429, {"Retry-After": "3600"}), (503, {"Retry-After": "nonsense"})]
    worker, operation_id = Worker(storage), await an_owed_callback(storage, receiver.url)
    waits = []
    for attempts in range(3):
        began = datetime.now(UTC)
        waits.append((await worker.attempt(operation_id, attempts=attempts)).retry_seconds)
        recorded = (await worker.row(operation_id)).due_at - timedelta(seconds=waits[-1])
        assert began <= recorded <= datetime.now(UTC)
    assert waits == [5.5, 3600, 1980]


async def test_the_tenth_try_of_a_round_is_the_last(storage: Storage, receiver, database_dsn):
    receiver.answers = [(500, {})]
    worker, operation_id = Worker(storage), await an_owed_callback(storage, receiver.url)
    results = [await worker.attempt(operation_id, attempts=attempts) for attempts in range(10)]
    assert [result.state for result in results] == ["PENDING"] * 9 + ["FAILED"]
    assert (await worker.row(operation_id)).finished_at is not None


async def test_a_redelivery_by_hand_takes_no_attempt_from_the_schedule(storage: Storage, receiver, database_dsn):
    receiver.answers = [(500, {})]
    worker, operation_id = Worker(storage), await an_owed_callback(storage, receiver.url)
    redelivery = RedeliveryService(storage, LookupService(storage), lambda _: None)
    await redelivery.redeliver(operation_id, client="local", by="local")  # before the first: nothing to spare yet
    results = [await worker.attempt(operation_id, attempts=attempts) for attempts in range(3)]
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE callback_deliveries SET redelivered_at = now() - interval '1 hour'")
    await redelivery.redeliver(operation_id, client="local", by="local")
    results += [await worker.attempt(operation_id, attempts=attempts) for attempts in range(3, 11)]

    assert [result.state for result in results] == ["PENDING"] * 10 + ["FAILED"]
    assert results[3].retry_seconds == results[2].retry_seconds


async def test_a_failure_that_answers_an_earlier_request_leaves_the_redelivery_owed(storage: Storage, receiver):
    """Asked for while the attempt was under way: 410, and still the next one is due at once."""
    worker, operation_id = Worker(storage), await an_owed_callback(storage, receiver.url)
    receiver.answers = [(410, {})]
    arrived, leave = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(handler) -> None:
        loop.call_soon_threadsafe(arrived.set)
        asyncio.run_coroutine_threadsafe(leave.wait(), loop).result(PATIENCE_SECONDS)
        handler.send_response(410)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    receiver.handle = slow
    attempt = asyncio.create_task(worker.attempt(operation_id))
    await arrived.wait()
    async with storage.transaction() as transaction:
        await transaction.deliveries.lock_delivery(operation_id)
        await transaction.deliveries.reopen(operation_id, attempts_before=0, by="local")
    leave.set()
    assert ((await attempt).state, (await attempt).retry_seconds) == ("PENDING", 0)
    receiver.handle = None
    receiver.answers = [(200, {})]
    assert (await worker.attempt(operation_id, attempts=1)).state == "DELIVERED"


@pytest.mark.parametrize(
    ("url", "error", "host"),
    [
        ("https://10.0.0.1/hidden", "URL_NOT_ALLOWED", "10.0.0.1"),
        ("https://169.254.169.254/hidden", "URL_NOT_ALLOWED", "169.254.169.254"),
        ("http://a.example/hidden", "URL_NOT_ALLOWED", None),
        ("https://receiver.invalid/hidden", "NAME_NOT_RESOLVED", "receiver.invalid"),
        ("http://127.0.0.1:1/hidden", "CONNECTION_FAILED", "127.0.0.1"),
    ],
)
async def test_why_there_was_no_answer_is_a_fixed_word(storage: Storage, url, error, host, capfd):
    worker, operation_id = Worker(storage), await an_owed_callback(storage, url)
    result = await worker.attempt(operation_id)
    assert (result.state, result.error, result.host, result.status_code) == ("PENDING", error, host, None)
    (attempt,) = await worker.log(operation_id)
    assert (attempt.error_class, attempt.status_code) == (error, None)
    assert "hidden" not in result.model_dump_json() + "".join(capfd.readouterr())


async def test_a_name_that_was_good_at_submission_is_judged_again(storage: Storage):
    async def rebound(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    worker = Worker(storage, resolve=rebound)
    operation_id = await an_owed_callback(storage, "https://a.example/")
    assert (await worker.attempt(operation_id)).error == "URL_NOT_ALLOWED"


async def test_without_secrets_nothing_is_sent_and_it_is_tried_again(storage: Storage, receiver):
    operation_id = await an_owed_callback(storage, receiver.url)
    unconfigured = Worker(storage, CallbackRules(allowed_hosts=RULES.allowed_hosts))
    assert (await unconfigured.attempt(operation_id)).error == "NOT_CONFIGURED"
    assert receiver.received == []
    assert (await Worker(storage).attempt(operation_id, attempts=1)).state == "DELIVERED"


async def test_each_attempt_is_signed_with_the_secrets_of_its_day(storage: Storage, receiver):
    receiver.answers = [(500, {}), (200, {})]
    operation_id = await an_owed_callback(storage, receiver.url)
    await Worker(storage, CallbackRules(secrets=(OLD_SECRET,), allowed_hosts=RULES.allowed_hosts)).attempt(operation_id)
    await Worker(storage).attempt(operation_id, attempts=1)
    first, second = receiver.received
    assert first.verified(secret=OLD_SECRET) == second.verified(secret=SECRET)


async def test_a_host_that_hangs_holds_its_five_places_and_another_is_served(
    storage: Storage, receiver, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(callback_sender, "ATTEMPT_SECONDS", PATIENCE_SECONDS)
    receiver.handle = receiver.hang
    worker = Worker(storage)
    loop = asyncio.get_running_loop()
    right = loop.time
    hanging = [await an_owed_callback(storage, receiver.url) for _ in range(12)]
    with Receiver().serving() as other:
        other_id = await an_owed_callback(storage, f"http://localhost:{other.port}/hook")
        tasks = [asyncio.create_task(worker.attempt(operation_id)) for operation_id in hanging]
        await until(lambda: len(receiver.received) == SLOTS_OF_A_HOST)
        assert (await worker.attempt(other_id)).state == "DELIVERED"
        assert sum(not task.done() for task in tasks) >= SLOTS_OF_A_HOST
        monkeypatch.setattr(loop, "time", lambda: right() + PATIENCE_SECONDS)  # the time of the five is up
        results = await asyncio.gather(*tasks)
    busy = [result for result in results if result.state == "HOST_BUSY"]
    late = [result for result in results if result.error == "TIMEOUT"]
    assert (len(late), len(busy)) == (5, 7)
    assert len(receiver.received) == SLOTS_OF_A_HOST
    assert {(result.attempts, result.host) for result in busy} == {(0, "127.0.0.1")}
    receiver.handle = None
    assert (await worker.attempt(hanging[0], attempts=results[0].attempts)).state in ("DELIVERED", "PENDING")


async def test_an_operation_that_is_gone_ends_its_delivery(storage: Storage):
    with pytest.raises(ApplicationError) as failed:
        await Worker(storage).attempt("pop_0")
    assert failed.value.non_retryable
    assert failed.value.message.startswith("PROPOSAL_ASYNC_OPERATION_NOT_FOUND: ")


async def test_extra_headers_reach_the_receiver_and_are_not_logged(storage: Storage, receiver, database_dsn, capfd):
    operation_id = await an_owed_callback(storage, f"{receiver.url}?token=hidden-1")
    with psycopg.connect(database_dsn) as connection:
        connection.execute("""UPDATE operations SET callback_headers = '{"X-Api-Key": " hidden-2 "}'""")
    result = await Worker(storage).attempt(operation_id)
    assert receiver.received[0].headers["x-api-key"] == "hidden-2"
    assert receiver.received[0].path == "/hook?token=hidden-1"
    assert "hidden" not in result.model_dump_json() + "".join(capfd.readouterr())


async def test_a_header_that_is_reserved_by_now_is_left_out_of_the_attempt(storage: Storage, receiver, database_dsn):
    """As a release that reserved fewer names has stored it."""
    operation_id = await an_owed_callback(storage, receiver.url)
    with psycopg.connect(database_dsn) as connection:
        connection.execute(
            "UPDATE operations SET callback_headers ="
            """ '{"webhook_id": "forged", "X-HTTP-Method-Override": "DELETE", "X-Api-Key": "key"}'"""
        )
    result = await Worker(storage).attempt(operation_id)
    assert result.state == "DELIVERED"
    received = receiver.received[0].headers
    assert (received["x-api-key"], received["webhook-id"]) == ("key", webhook_id(operation_id))
    assert not {"webhook_id", "x-http-method-override"} & {name.lower() for name in received}


@pytest.mark.parametrize(("workflow_id", "workflow_type"), [("by-hand", "DeliverCallback"), (None, "CreateProposal")])
async def test_a_workflow_that_is_not_the_deliverys_own_makes_no_attempt(
    storage: Storage, receiver, workflow_id, workflow_type
):
    operation_id = await an_owed_callback(storage, receiver.url)
    worker = Worker(storage)
    with pytest.raises(ApplicationError, match="not the operation's own") as refused:
        await worker.attempt(operation_id, workflow_id=workflow_id, workflow_type=workflow_type)
    assert refused.value.non_retryable
    assert (receiver.received, await worker.log(operation_id)) == ([], [])


async def test_a_look_at_the_row_makes_no_attempt(storage: Storage, receiver):
    operation_id = await an_owed_callback(storage, receiver.url)
    worker = Worker(storage)
    looked = await worker.attempt(operation_id, attempts=-1)
    assert (looked.state, looked.attempts, receiver.received) == ("PENDING", 0, [])

"""A process whose clock is wrong: what it stores, and what it compares with what is stored, has PostgreSQL's time."""

import ast
import asyncio
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from builders import a_body, a_stored_operation, a_submission
from prometheus_client import CollectorRegistry
from psycopg.sql import SQL, Identifier
from receiver import RULES, Receiver
from storage_rows import Steps, a_created_proposal, environment_of, retrying, submitting
from waiting import PATIENCE_SECONDS

from activities.deliver import DeliverStep
from activities.host_slots import HostSlots
from activities.metrics import WorkerMetrics
from domain.errors import OperationCancelled, RedeliveryTooSoon
from domain.lifecycle import ReviewCommand, ReviewRules
from domain.operation import IdempotencyKey, OperationFailure, OperationType
from domain.proposal import ApprovalType, EventType
from domain.request import SimulateRequest
from runtime.engine_pool import EnginePool
from runtime.metrics import ProcessMetrics
from services.callback_target import CallbackTargets
from services.callback_transport import CallbackTransport
from services.ending import end_failed
from services.lifecycle import KeyedReview, ProposalWorkflowService
from services.lookup import LookupService
from services.prepared_request import PreparedRequest
from services.purging import Periods, PurgeService
from services.redelivery import RedeliveryService
from services.simulation import SimulateCommand, SimulationService
from storage.unit_of_work import Storage
from workflows.messages import DeliverInput

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("activities", "api", "domain", "runtime", "services", "storage", "worker", "workflows")
# Where a process's clock may be read, and why.
CLOCKS = {"domain/ids.py": "ids sort by it; nothing is decided by their order"}
CLOCK_CALLS = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime", "ctime"}
CANCELLED = OperationFailure.of(OperationCancelled)


def clock_reads(source: str) -> list[str]:
    """The places that read or import a wall clock; clocks that only measure how long something takes are none."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            found += [f"from time import {name.name}" for name in node.names if name.name in CLOCK_CALLS]
        if isinstance(node, ast.Attribute) and node.attr in CLOCK_CALLS:
            owner = ast.unparse(node.value).rpartition(".")[2]
            if owner in {"datetime", "date", "time"}:
                found.append(f"{owner}.{node.attr}, line {node.lineno}")
    return found


def test_no_module_reads_the_clock_of_its_process():
    read = {
        str(file.relative_to(ROOT)): places
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if (places := clock_reads(file.read_text()))
    }
    assert read.keys() == CLOCKS.keys(), read


@pytest.mark.parametrize(
    "source",
    [
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "time.time()",
        "from time import time_ns",
        "f = datetime.now",
    ],
)
def test_a_read_of_the_clock_is_noticed(source):
    assert clock_reads(source)


class _Moments(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


@pytest.fixture(params=[timedelta(days=100), timedelta(days=-100)], ids=["ahead", "behind"])
def wrong_clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> timedelta:
    """This process's clock is 100 days wrong, wherever a module of the service reads it."""
    error: timedelta = request.param

    class WrongMoment(datetime, metaclass=_Moments):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + error

    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PACKAGES and vars(module).get("datetime") is datetime:
            monkeypatch.setattr(module, "datetime", WrongMoment)
    right, right_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: right() + error.total_seconds())
    monkeypatch.setattr(time, "time_ns", lambda: right_ns() + int(error.total_seconds()) * 1_000_000_000)
    return error


@pytest.fixture
def times_are_postgresqls(database_dsn: str) -> Iterator[None]:
    """After the test every stored time of every table lies between its begin and its end, by PostgreSQL's clock."""
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        (began,) = connection.execute("SELECT clock_timestamp()").fetchone() or ()
        yield
        columns = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = 'timestamp with time zone' AND column_name <> 'due_at'"
        ).fetchall()
        wrong = [
            (table, column, count)
            for table, column in columns
            if (
                count := connection.execute(
                    SQL("SELECT count(*) FROM {} WHERE {} NOT BETWEEN %s AND clock_timestamp()").format(
                        Identifier(table), Identifier(column)
                    ),
                    [began],
                ).fetchone()[0]  # type: ignore[index]  # a count is always one row
            )
        ]
    assert len(columns) > 25
    assert wrong == []


@pytest.mark.usefixtures("wrong_clock", "times_are_postgresqls")
async def test_a_proposal_and_its_reviews_have_the_times_of_postgresql(storage: Storage):
    accepted = await submitting(storage).submit(a_submission())
    operation_id = accepted.operation.operation_id
    steps = Steps(storage)
    await steps.simulate(operation_id)
    await steps.build(operation_id)
    outcome = (await steps.persist(operation_id)).outcome
    reviews = ProposalWorkflowService(storage, ReviewRules(require_expected_state=False))
    for number, event_type in enumerate((EventType.SUBMITTED_FOR_RISK_REVIEW, EventType.RISK_APPROVED)):
        key = IdempotencyKey(client="local", scope="transitions", key=f"key-{number}")
        await reviews.transition(
            outcome.proposal_id,
            event_type,
            ReviewCommand(actor_id="reviewer", decisions=frozenset(ApprovalType), reason="{}"),
            client="local",
            keyed=KeyedReview(key=key, request_hash="h"),
        )


@pytest.mark.usefixtures("wrong_clock", "times_are_postgresqls")
@pytest.mark.parametrize("key", ["key-1", None])
async def test_an_accepted_operation_and_its_retry_have_the_times_of_postgresql(storage: Storage, key):
    submission, service = a_submission(key=key), submitting(storage)
    first = await service.submit(submission)
    async with storage.reading() as reading:
        assert await reading.operations.get(first.operation.operation_id) == first.operation
    await end_failed(storage, first.operation.operation_id, CANCELLED)
    second = await retrying(storage).retry(first.operation.operation_id, client="local", by="local")
    assert second.operation.attempt == 2  # type: ignore[union-attr]  # it is an Operation
    if key is not None:
        await end_failed(storage, second.operation.operation_id, CANCELLED)
        third = await service.submit(submission)
        assert third.operation.attempt == 3  # type: ignore[union-attr]  # it is an Operation
        async with storage.reading() as reading:
            assert await reading.operations.get(third.operation.operation_id) == third.operation


@pytest.mark.usefixtures("wrong_clock", "times_are_postgresqls")
async def test_a_simulation_has_the_time_of_postgresql(storage: Storage):
    service = SimulationService(storage, EnginePool(1, seconds=60, memory_mb=1024), large_request_rows=1000)
    request = SimulateRequest.model_validate(a_body()["simulate_request"])
    asked = SimulateCommand(prepared=PreparedRequest.of(request), client="local", key="key-1", correlation_id="corr-1")
    first = await service.simulate(asked)
    again = await service.simulate(asked)
    assert (first.is_replay, again.is_replay, again.stored) == (False, True, first.stored)


@pytest.mark.usefixtures("wrong_clock")
async def test_a_purge_removes_nothing_early(storage: Storage, database_dsn):
    await a_created_proposal(storage)
    accepted = await submitting(storage).submit(a_submission())
    await end_failed(storage, accepted.operation.operation_id, CANCELLED)
    removed: list[int] = []
    periods = Periods(operations=timedelta(days=30), keys=timedelta(days=90))
    assert await PurgeService(storage, periods).run(
        seconds=60, on_batch=lambda _, count: removed.append(count), witness=datetime.now(UTC)
    )
    assert sum(removed) == 0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        yield receiver


async def attempted(storage: Storage, operation_id: str, *, attempts: int = 0):
    step = DeliverStep(
        storage,
        CallbackTargets(RULES),
        CallbackTransport(),
        rules=RULES,
        slots=HostSlots(),
        metrics=WorkerMetrics(CollectorRegistry()),
    )
    order = DeliverInput(operation_id=operation_id, attempts=attempts, jitter=0.5)
    environment = environment_of(f"callback-{operation_id}", "DeliverCallback")
    return await environment.run(step.deliver_callback, order)


async def an_owed_callback(storage: Storage, url: str) -> str:
    operation = await a_stored_operation(storage, callback_url=url)
    await end_failed(storage, operation.operation_id, CANCELLED)
    return operation.operation_id


@pytest.mark.usefixtures("wrong_clock")
async def test_an_attempt_is_recorded_and_signed_with_the_time_of_postgresql(storage: Storage, receiver, database_dsn):
    operation_id = await an_owed_callback(storage, receiver.url)
    receiver.answers = [(503, {"Retry-After": "Wed, 01 Jan 2200 00:00:00 GMT"})]
    assert (await attempted(storage, operation_id)).retry_seconds == 86400
    again = await attempted(storage, operation_id)  # it was recorded: how long it still waits
    assert 86300 < again.retry_seconds <= 86400
    with psycopg.connect(database_dsn) as connection:
        ((age, at),) = connection.execute(
            "SELECT extract(epoch FROM now() - attempted_at), extract(epoch FROM attempted_at) FROM callback_attempts"
        ).fetchall()
    assert 0 <= age < 60
    assert abs(int(receiver.received[0].headers["webhook-timestamp"]) - at) < 30


@pytest.mark.usefixtures("wrong_clock")
async def test_a_redelivery_that_was_asked_for_during_an_attempt_is_not_lost(storage: Storage, receiver):
    operation_id = await an_owed_callback(storage, receiver.url)
    arrived, leave, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

    def slow(handler) -> None:
        loop.call_soon_threadsafe(arrived.set)
        asyncio.run_coroutine_threadsafe(leave.wait(), loop).result(PATIENCE_SECONDS)
        handler.send_response(410)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    receiver.handle = slow
    attempt = asyncio.create_task(attempted(storage, operation_id))
    await arrived.wait()
    redelivery = RedeliveryService(storage, LookupService(storage), lambda _: None)
    await redelivery.redeliver(operation_id, client="local", by="local")
    leave.set()
    assert ((await attempt).state, (await attempt).retry_seconds) == ("PENDING", 0)
    with pytest.raises(RedeliveryTooSoon) as too_soon:
        await redelivery.redeliver(operation_id, client="local", by="local")
    assert 0 < too_soon.value.retry_after_seconds <= 60


@pytest.mark.usefixtures("wrong_clock")
async def test_the_time_that_an_operation_took_is_measured_by_postgresql(storage: Storage):
    metrics = ProcessMetrics()
    storage = Storage(storage._connections, on_ended=metrics.operation_ended)
    accepted = await submitting(storage).submit(a_submission())
    await end_failed(storage, accepted.operation.operation_id, CANCELLED)
    labels = {"type": OperationType.CREATE_PROPOSAL.value, "status": "FAILED"}
    took = metrics.registry.get_sample_value("proposals_operation_seconds_sum", labels)
    assert took is not None
    assert 0 < took < 60

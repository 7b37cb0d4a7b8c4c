"""Key space B, cell by cell: what a key stands for decides what both kinds of request get."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from builders import without_simulation_flag
from purged_rows import PERIODS, age, purged
from simulations import a_prepared, a_simulation, accepted, asked, bytes_of, made_by, ran, submitted, whole_artifact
from storage_rows import a_limit, retrying, submitting

from domain.callback import CallbackSubscription
from domain.errors import CallbacksNotConfigured, IdempotencyKeyConflict, OperationCancelled, SimulationDisabled
from domain.operation import IdempotencyKey, Operation, OperationFailure, OperationStatus
from services.adoption import Adoption
from services.ending import end_failed
from services.submission import Accepted, Submission
from storage.simulations import Simulations
from storage.unit_of_work import Storage

OTHER = a_simulation(quantity="3")
CANCELLED = OperationFailure.of(OperationCancelled)
SUCCEEDED, FAILED, PENDING = OperationStatus.SUCCEEDED, OperationStatus.FAILED, OperationStatus.PENDING


def rows(dsn: str, statement: str) -> list[tuple]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(statement).fetchall()


async def cancelled(storage: Storage, body: dict | None = None) -> Operation:
    operation = await accepted(storage, body)
    return await end_failed(storage, operation.operation_id, CANCELLED)


async def succeeded(storage: Storage, body: dict | None = None) -> Operation:
    return await ran(storage, (await accepted(storage, body)).operation_id)


# no row


async def test_a_free_key_gets_a_pending_operation(storage: Storage, database_dsn):
    answer = await submitted(storage)
    assert (answer.is_replay, answer.operation.status, answer.operation.operation_type) == (
        False,
        PENDING,
        "SIMULATE_PROPOSAL",
    )
    assert rows(database_dsn, "SELECT operation_id, attempt, num_nulls(result_document) FROM simulations") == [
        (answer.operation.operation_id, 1, 1)
    ]
    assert rows(database_dsn, "SELECT * FROM idempotency_keys") == []


async def test_a_free_key_gets_a_result_at_once(storage: Storage, database_dsn):
    assert not (await asked(storage)).is_replay
    assert rows(database_dsn, "SELECT operation_id, attempt FROM simulations") == [(None, 1)]
    assert rows(database_dsn, "SELECT * FROM operations") == []


# a result, and an operation or none, which holds the key against every other request


async def of_sync(storage: Storage, _: str) -> object:
    return await asked(storage)


async def of_operation(storage: Storage, _: str) -> object:
    return await succeeded(storage)


async def of_purged_operation(storage: Storage, dsn: str) -> object:
    await succeeded(storage)
    age(dsn, days=31)
    assert (await purged(storage))["operations"] == 1
    return None


async def of_sync_after_cancelled_operation(storage: Storage, _: str) -> object:
    """The operation was open when the result came, and was cancelled before it could adopt it."""
    operation = await accepted(storage)
    await asked(storage)
    return await end_failed(storage, operation.operation_id, CANCELLED)


async def of_open_operation(storage: Storage, _: str) -> object:
    return await accepted(storage)


Made = Callable[[Storage, str], Awaitable[object]]
WITH_RESULT: list[Made] = [of_sync, of_operation, of_purged_operation, of_sync_after_cancelled_operation]


@pytest.mark.parametrize("made", [*WITH_RESULT, of_open_operation])
async def test_another_request_is_a_conflict_both_ways_and_changes_nothing(storage: Storage, database_dsn, made: Made):
    await made(storage, database_dsn)
    state = "SELECT s.*, (SELECT count(*) FROM operations), (SELECT count(*) FROM documents) FROM simulations s"
    before = rows(database_dsn, state)
    for request in (asked, submitted):
        with pytest.raises(IdempotencyKeyConflict):
            await request(storage, OTHER)
        with pytest.raises(IdempotencyKeyConflict):
            await request(storage, without_simulation_flag()["simulate_request"])
    assert rows(database_dsn, state) == before


@pytest.mark.parametrize("made", WITH_RESULT)
async def test_the_same_request_gets_the_stored_bytes_at_once(storage: Storage, database_dsn, made: Made):
    await made(storage, database_dsn)
    before = rows(database_dsn, "SELECT * FROM simulations")
    first, again = await asked(storage), await asked(storage)
    assert (first.is_replay, again) == (True, first)
    assert rows(database_dsn, "SELECT * FROM simulations") == before


async def test_the_operation_that_made_the_result_is_a_replay_with_its_status(storage: Storage, database_dsn):
    made = await succeeded(storage)
    assert await submitted(storage) == Accepted(operation=made, is_replay=True)
    assert rows(database_dsn, "SELECT count(*), max(attempt) FROM operations") == [(1, 1)]


@pytest.mark.parametrize(
    ("made", "attempt"), [(of_sync, 1), (of_purged_operation, 2), (of_sync_after_cancelled_operation, 2)]
)
async def test_a_result_without_an_operation_gets_one_that_has_succeeded(
    storage: Storage, database_dsn, made: Made, attempt: int
):
    await made(storage, database_dsn)
    before = await asked(storage)
    answer = await submitted(storage, correlation_id="later")
    operation = answer.operation
    assert isinstance(operation, Operation)
    assert answer.is_replay
    assert (operation.status, operation.attempt, operation.correlation_id) == (SUCCEEDED, attempt, "later")
    assert operation.finished_at is not None
    assert (operation.result_document, operation.inputs_document, operation.artifact_document) == before.stored
    assert (await bytes_of(storage, before)) == await answer_of(storage, operation.operation_id)
    assert rows(database_dsn, "SELECT operation_id, attempt FROM simulations") == [(operation.operation_id, attempt)]
    again = await submitted(storage)
    assert (again.is_replay, again.operation.operation_id) == (True, operation.operation_id)
    assert await asked(storage) == before


async def answer_of(storage: Storage, operation_id: str) -> tuple[bytes, bytes]:
    made = await made_by(storage, operation_id)
    return made.result, whole_artifact(made.result, made.inputs, made.artifact)


async def test_what_an_adopted_result_says_of_itself_is_what_the_steps_would_have_recorded(storage: Storage):
    await asked(storage, key="sync")
    adopted = await made_by(storage, (await accepted(storage, key="sync")).operation_id)
    computed = await made_by(
        storage, (await ran(storage, (await accepted(storage, key="async")).operation_id)).operation_id
    )
    for name in ("simulation_hash", "artifact_hash", "simulation_status", "request_hash"):
        assert getattr(adopted.operation, name) == getattr(computed.operation, name) is not None
    assert adopted.gate_decision == computed.gate_decision is not None


async def test_an_operation_that_has_succeeded_at_once_has_its_callback_pending(storage: Storage, database_dsn):
    """Its receiver is judged as that of any operation."""
    await asked(storage)
    prepared = a_prepared(callback=CallbackSubscription(url="https://orchestrator.example/hook"))
    key = IdempotencyKey.of_simulations("key-1", client="local")
    submission = Submission(prepared=prepared, client="local", key=key, correlation_id="c")
    service = submitting(storage)
    with pytest.raises(CallbacksNotConfigured):
        await service.submit(submission)
    assert rows(database_dsn, "SELECT * FROM operations") == []

    async def judge(_: CallbackSubscription) -> None:
        return None

    service._judge_callback = judge
    operation_id = (await service.submit(submission)).operation.operation_id
    assert rows(database_dsn, "SELECT operation_id, status FROM callback_deliveries") == [(operation_id, "PENDING")]


async def test_an_operation_that_has_succeeded_at_once_takes_no_place_and_no_workflow(storage: Storage):
    await asked(storage)
    service = submitting(storage, limit=a_limit(0))
    started: list[Operation] = []
    service._start_soon = started.append
    key = IdempotencyKey.of_simulations("key-1", client="local")
    answer = await service.submit(Submission(prepared=a_prepared(), client="local", key=key, correlation_id="c"))
    assert (answer.operation.status, started) == (SUCCEEDED, [])


async def test_a_result_that_comes_while_an_operation_is_added_is_adopted(storage: Storage, monkeypatch):
    """The key was free when the request looked first."""
    claim = Simulations.claim

    async def late(keys: Simulations, key: IdempotencyKey, **held: str) -> object:
        monkeypatch.setattr(Simulations, "claim", claim)
        await asked(storage)
        return await claim(keys, key, **held)

    await cancelled(storage)
    monkeypatch.setattr(Simulations, "claim", late)
    answer = await submitted(storage)
    assert (answer.operation.status, answer.is_replay) == (SUCCEEDED, True)


async def test_documents_are_read_while_no_row_is_locked(storage: Storage, database_dsn, monkeypatch):
    await asked(storage)
    read = Adoption.read

    async def watched(adoption: Adoption, stored: tuple[str, str, str]) -> object:
        assert rows(database_dsn, "SELECT key FROM simulations FOR UPDATE NOWAIT") == [("key-1",)]
        return await read(adoption, stored)

    monkeypatch.setattr(Adoption, "read", watched)
    assert (await submitted(storage)).operation.status is SUCCEEDED


# no result, an open operation


async def test_an_open_operation_is_a_replay(storage: Storage):
    first = await submitted(storage)
    again = await submitted(storage)
    assert (again.is_replay, again.operation.operation_id) == (True, first.operation.operation_id)


async def test_an_open_operation_is_not_waited_for_and_adopts_what_was_computed(storage: Storage, database_dsn):
    operation = await accepted(storage)
    answer = await asked(storage)
    assert not answer.is_replay
    assert rows(database_dsn, "SELECT operation_id, attempt FROM simulations") == [(operation.operation_id, 1)]
    assert (await submitted(storage)).operation.status is PENDING
    ended = await ran(storage, operation.operation_id)
    assert (ended.status, ended.attempt) == (SUCCEEDED, 1)
    assert await answer_of(storage, operation.operation_id) == await bytes_of(storage, answer)
    assert await asked(storage) == replace(answer, is_replay=True)


async def test_both_answer_what_the_operation_made(storage: Storage):
    operation = await succeeded(storage)
    assert await answer_of(storage, operation.operation_id) == await bytes_of(storage, await asked(storage))


# no result, an operation that FAILED


@pytest.mark.parametrize("is_purged", [False, True], ids=["there", "purged"])
@pytest.mark.parametrize("body", [None, OTHER], ids=["same", "other"])
async def test_a_failed_operation_leaves_its_key_free_for_the_next_operation(
    storage: Storage, database_dsn, body, is_purged
):
    failed = await cancelled(storage)
    if is_purged:
        age(database_dsn, days=31)
        assert (await purged(storage))["operations"] == 1
    answer = await submitted(storage, body)
    assert isinstance(answer.operation, Operation)
    assert (answer.is_replay, answer.operation.status, answer.operation.attempt) == (False, PENDING, 2)
    assert answer.operation.operation_id != failed.operation_id
    assert rows(database_dsn, "SELECT operation_id, attempt, request_hash FROM simulations") == [
        (answer.operation.operation_id, 2, a_prepared(body).request_hash)
    ]


@pytest.mark.parametrize("is_purged", [False, True], ids=["there", "purged"])
@pytest.mark.parametrize("body", [None, OTHER], ids=["same", "other"])
async def test_a_failed_operation_leaves_its_key_free_for_a_result_at_once(
    storage: Storage, database_dsn, body, is_purged
):
    await cancelled(storage)
    if is_purged:
        age(database_dsn, days=31)
        assert (await purged(storage))["operations"] == 1
    answer = await asked(storage, body)
    assert not answer.is_replay
    assert rows(database_dsn, "SELECT result_document, request_hash FROM simulations") == [
        (answer.stored.result_document, a_prepared(body).request_hash)
    ]
    operation = (await submitted(storage, body)).operation
    assert (operation.status, operation.attempt) == (SUCCEEDED, 2)  # type: ignore[union-attr]  # it is an Operation


async def test_without_the_option_an_operation_fails_and_a_request_at_once_is_refused(storage: Storage):
    body = without_simulation_flag()["simulate_request"]
    operation = await accepted(storage, body)
    with pytest.raises(SimulationDisabled):
        await asked(storage, body)
    assert operation.status is PENDING


# retries


async def test_fifty_retries_make_one_attempt(storage: Storage, database_dsn):
    failed = await cancelled(storage)
    service = retrying(storage)
    retried = await asyncio.gather(
        *(service.retry(failed.operation_id, client="local", by="desk_2") for _ in range(50))
    )
    assert len({one.operation.operation_id for one in retried}) == 1
    assert [one.is_replay for one in retried].count(False) == 1
    (operation,) = {one.operation for one in retried if not one.is_replay}
    assert isinstance(operation, Operation)
    assert (operation.attempt, operation.retried_by, operation.created_by) == (2, "desk_2", failed.created_by)
    assert (await ran(storage, operation.operation_id)).status is SUCCEEDED


async def test_a_retry_after_a_result_at_once_has_succeeded_with_it(storage: Storage):
    failed = await cancelled(storage)
    answer = await asked(storage)
    started: list[Operation] = []
    service = retrying(storage, limit=a_limit(0))
    service._start_soon = started.append
    retried = await service.retry(failed.operation_id, client="local", by="desk_2")
    assert (retried.operation.status, retried.is_replay, started) == (SUCCEEDED, False, [])
    assert await answer_of(storage, retried.operation.operation_id) == await bytes_of(storage, answer)


async def test_a_retry_whose_key_has_gone_to_another_request_is_a_conflict(storage: Storage):
    failed = await cancelled(storage)
    await asked(storage, OTHER)
    with pytest.raises(IdempotencyKeyConflict):
        await retrying(storage).retry(failed.operation_id, client="local", by="desk_2")


# time


async def test_a_key_is_kept_for_ninety_days_after_its_last_use(storage: Storage, database_dsn):
    await asked(storage)
    age(database_dsn, days=60)
    operation = await accepted(storage)  # a use
    age(database_dsn, days=31)
    assert (await purged(storage))["simulations"] == 0
    assert (await asked(storage)).is_replay
    assert (await accepted(storage)).attempt == operation.attempt + 1
    age(database_dsn, days=91)
    assert (await purged(storage))["simulations"] == 1
    assert not (await asked(storage)).is_replay


async def test_a_key_is_kept_while_its_operation_is_open_and_ninety_days_after_its_end(storage: Storage, database_dsn):
    operation = await accepted(storage)
    age(database_dsn, days=200)
    assert (await purged(storage))["simulations"] == 0
    await end_failed(storage, operation.operation_id, CANCELLED)
    age(database_dsn, days=80)
    assert await purged(storage) == {"operations": 1, "documents": 1}
    assert rows(database_dsn, "SELECT count(*) FROM simulations") == [(1,)]
    age(database_dsn, days=11)
    assert await purged(storage) == {"simulations": 1}


async def test_a_purged_operation_leaves_its_request_and_its_key_the_result(storage: Storage, database_dsn):
    operation = await succeeded(storage)
    before = {address for (address,) in rows(database_dsn, "SELECT sha256 FROM documents")}
    age(database_dsn, days=31)
    assert await purged(storage) == {"operations": 1, "documents": 4}
    left = {address for (address,) in rows(database_dsn, "SELECT sha256 FROM documents")}
    assert before - left == {operation.request_document}
    assert rows(database_dsn, "SELECT * FROM documents_to_purge") == []
    assert (await asked(storage)).is_replay
    age(database_dsn, days=60)
    assert await purged(storage) == {"simulations": 1, "documents": 3}
    assert rows(database_dsn, "SELECT * FROM documents") == []


async def test_keys_that_are_kept_for_less_than_operations_outlive_open_ones_only(storage: Storage, database_dsn):
    """The documents of an operation stay when its key goes first."""
    operation = await succeeded(storage)
    age(database_dsn, days=20)
    periods = replace(PERIODS, keys=timedelta(days=10))
    assert (await purged(storage, periods=periods))["simulations"] == 1
    assert await answer_of(storage, operation.operation_id)

import asyncio

import psycopg
import pytest
from builders import a_body, a_large_body, a_submission, refuse_callbacks
from storage_rows import a_limit, adopting

from domain.errors import IdempotencyKeyConflict, OperationInternalError
from domain.operation import Operation, OperationFailure, OperationStatus, Policy
from services.ending import end_failed
from services.submission import SubmissionService
from storage.unit_of_work import Storage

FAILURE = OperationFailure.of(OperationInternalError)


def a_service(storage: Storage, started: list[Operation] | None = None) -> SubmissionService:
    return SubmissionService(
        storage,
        (started if started is not None else []).append,
        policy=Policy(),
        large_request_rows=1000,
        limit=a_limit(),
        judge_callback=refuse_callbacks,
        adoption=adopting(storage),
    )


def counts(dsn: str) -> tuple[int, int, int]:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM operations), (SELECT count(*) FROM idempotency_keys),"
            " (SELECT count(*) FROM documents)"
        ).fetchone()
    assert row is not None
    return (row[0], row[1], row[2])


async def test_a_request_is_committed_before_it_is_answered_and_started_afterwards(storage: Storage, database_dsn):
    started: list[Operation] = []
    accepted = await a_service(storage, started).submit(a_submission())
    assert counts(database_dsn) == (1, 1, 1)
    assert accepted.operation.status is OperationStatus.PENDING
    assert not accepted.is_replay
    assert [start.operation_id for start in started] == [accepted.operation.operation_id]


async def test_what_is_answered_is_what_a_reader_finds(storage: Storage):
    accepted = await a_service(storage).submit(a_submission())
    async with storage.reading() as reading:
        assert await reading.operations.get(accepted.operation.operation_id) == accepted.operation


async def test_the_same_key_and_request_mean_the_same_operation(storage: Storage, database_dsn):
    service = a_service(storage)
    first = await service.submit(a_submission())
    again = await service.submit(a_submission(correlation_id="another"))
    assert again.is_replay
    assert again.operation == first.operation
    assert counts(database_dsn) == (1, 1, 1)


async def test_the_same_key_with_another_request_is_a_conflict_and_stores_nothing(storage: Storage, database_dsn):
    service = a_service(storage)
    await service.submit(a_submission())
    with pytest.raises(IdempotencyKeyConflict):
        await service.submit(a_submission(a_body(created_by="somebody else")))
    assert counts(database_dsn) == (1, 1, 1)


async def test_twins_of_a_refused_request_raise_an_error_each(storage: Storage):
    service = a_service(storage)
    await service.submit(a_submission())
    another = a_submission(a_body(created_by="advisor_2"))
    refusals = await asyncio.gather(*(service.submit(another) for _ in range(3)), return_exceptions=True)
    assert [type(refusal) for refusal in refusals] == [IdempotencyKeyConflict] * 3
    assert len({id(refusal) for refusal in refusals}) == 3


@pytest.mark.parametrize("processes", [1, 5])
async def test_fifty_parallel_requests_with_one_key_make_one_operation(storage: Storage, database_dsn, processes):
    services = [a_service(storage) for _ in range(processes)]
    accepted = await asyncio.gather(*(services[number % processes].submit(a_submission()) for number in range(50)))
    assert len({answer.operation.operation_id for answer in accepted}) == 1
    assert [answer.is_replay for answer in accepted].count(False) == 1
    assert counts(database_dsn) == (1, 1, 1)


@pytest.mark.parametrize("processes", [1, 5])
async def test_fifty_parallel_retries_of_a_failed_key_make_one_new_operation(storage: Storage, database_dsn, processes):
    first = await a_service(storage).submit(a_submission())
    await end_failed(storage, first.operation.operation_id, FAILURE)
    services = [a_service(storage) for _ in range(processes)]
    accepted = await asyncio.gather(*(services[number % processes].submit(a_submission()) for number in range(50)))
    assert {answer.operation.attempt for answer in accepted} == {2}
    assert len({answer.operation.operation_id for answer in accepted}) == 1
    assert counts(database_dsn)[0] == 2


async def test_a_failed_key_takes_a_corrected_request(storage: Storage):
    service = a_service(storage)
    first = await service.submit(a_submission())
    await end_failed(storage, first.operation.operation_id, FAILURE)
    corrected = await service.submit(a_submission(a_body(created_by="advisor_2")))
    assert (corrected.operation.attempt, corrected.operation.created_by) == (2, "advisor_2")


async def test_a_client_that_goes_away_does_not_undo_the_twins_submission(storage: Storage, database_dsn):
    service = a_service(storage)
    leader = asyncio.create_task(service.submit(a_submission()))
    twin = asyncio.create_task(service.submit(a_submission()))
    while not service._under_way:
        await asyncio.sleep(0)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    assert (await twin).operation.status is OperationStatus.PENDING
    assert counts(database_dsn) == (1, 1, 1)


async def test_large_requests_are_marked_so(storage: Storage):
    service = a_service(storage)
    assert not (await service.submit(a_submission(key="small"))).operation.is_large
    assert (await service.submit(a_submission(a_large_body(), key="large"))).operation.is_large

import asyncio
import uuid

import psycopg
import pytest
from builders import a_body, a_large_body, without_simulation_flag

from domain.errors import IdempotencyKeyConflict, SimulationDisabled, SimulationNotStored, StorageUnavailable
from domain.request import SimulateRequest
from services.prepared_request import MAX_SMALL_BYTES, PreparedRequest
from services.simulation import SimulateCommand, SimulationService
from storage.simulations import Simulations
from storage.unit_of_work import Storage


class Pool:
    """Computes here, when it is let; notes how often it was asked and given up."""

    def __init__(self) -> None:
        self.asked = self.given_up = 0
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def run(self, function, *args, **kwargs):
        self.asked += 1
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return function(*args, **kwargs)


def a_service(storage: Storage, pool: Pool | None = None) -> SimulationService:
    return SimulationService(storage, pool or Pool(), large_request_rows=1000)


def asked(body=None, *, key: str = "key-1", client: str = "local") -> SimulateCommand:
    request = SimulateRequest.model_validate((body or a_body())["simulate_request"])
    return SimulateCommand(
        prepared=PreparedRequest.of(request), client=client, key=key, correlation_id=uuid.uuid4().hex
    )


def stored(dsn: str) -> tuple:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT (SELECT count(*) FROM simulations), (SELECT count(*) FROM documents)")
        return row.fetchone() or ()


@pytest.mark.parametrize("processes", [1, 5])
async def test_fifty_parallel_requests_with_one_key_answer_one_result(storage: Storage, database_dsn, processes):
    services = [a_service(storage) for _ in range(processes)]
    answers = await asyncio.gather(*(services[number % processes].simulate(asked()) for number in range(50)))
    assert len({answer.stored for answer in answers}) == 1
    assert [answer.is_replay for answer in answers].count(False) == 1
    assert stored(database_dsn) == (1, 3)


async def test_another_process_replays_the_same_texts(storage: Storage):
    first = await a_service(storage).simulate(asked())
    again = await a_service(storage).simulate(asked())
    assert again.is_replay
    assert again.stored == first.stored


async def test_the_same_key_of_another_client_is_another_key(storage: Storage):
    await a_service(storage).simulate(asked())
    assert not (await a_service(storage).simulate(asked(client="other"))).is_replay


async def test_another_request_under_the_key_is_a_conflict_also_when_it_may_not_be_simulated(
    storage: Storage, database_dsn
):
    await a_service(storage).simulate(asked())
    with pytest.raises(IdempotencyKeyConflict):
        await a_service(storage).simulate(asked(without_simulation_flag()))
    assert stored(database_dsn) == (1, 3)


async def test_two_requests_that_race_for_a_key_have_one_winner(storage: Storage, database_dsn):
    other = a_body()
    other["simulate_request"]["proposed_trades"][0]["quantity"] = "3"
    answers = await asyncio.gather(
        *(a_service(storage).simulate(asked(body)) for body in (a_body(), other) * 5), return_exceptions=True
    )
    lost = [answer for answer in answers if isinstance(answer, IdempotencyKeyConflict)]
    won = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert (len(lost), len(won)) == (5, 5)
    assert len({answer.stored for answer in won}) == 1
    assert stored(database_dsn)[0] == 1


async def test_without_the_option_nothing_is_computed_or_stored(storage: Storage, database_dsn):
    with pytest.raises(SimulationDisabled):
        await a_service(storage).simulate(asked(without_simulation_flag()))
    assert stored(database_dsn) == (0, 0)


async def test_large_requests_go_to_the_pool(storage: Storage):
    pool = Pool()
    await a_service(storage, pool).simulate(asked())
    assert pool.asked == 0
    assert not (await a_service(storage, pool).simulate(asked(a_large_body(), key="large"))).is_replay
    assert pool.asked == 1


async def test_a_request_of_few_rows_and_long_texts_goes_to_the_pool(storage: Storage):
    pool, body = Pool(), a_body()
    body["simulate_request"]["shelf_entries"][0]["asset_class"] = "x" * MAX_SMALL_BYTES
    await a_service(storage, pool).simulate(asked(body))
    assert pool.asked == 1


async def test_what_no_caller_waits_for_any_more_is_given_up_and_computed_anew_for_the_next(
    storage: Storage, database_dsn
):
    pool = Pool()
    pool.go_on.clear()
    service = a_service(storage, pool)
    callers = [asyncio.create_task(service.simulate(asked(a_large_body()))) for _ in range(2)]
    while not pool.asked or [under_way.waiting for under_way in service._under_way.values()] != [2]:
        await asyncio.sleep(0.01)
    await cancelled(callers[0])
    assert pool.given_up == 0
    await cancelled(callers[1])
    next_caller = asyncio.create_task(service.simulate(asked(a_large_body())))
    while pool.asked < 2:
        await asyncio.sleep(0.01)
    assert pool.given_up == 1
    pool.go_on.set()
    assert not (await next_caller).is_replay
    assert stored(database_dsn) == (1, 3)


async def cancelled(task: asyncio.Task) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_could_not_be_kept_is_said_and_computed_again(storage: Storage, database_dsn, monkeypatch):
    service = a_service(storage)

    async def away(*_):
        raise StorageUnavailable

    with monkeypatch.context() as broken:
        broken.setattr(Simulations, "add_or_get", away)
        with pytest.raises(SimulationNotStored):
            await service.simulate(asked())
    assert stored(database_dsn) == (0, 0)
    assert not (await service.simulate(asked())).is_replay

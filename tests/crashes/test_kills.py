"""What is accepted ends exactly once, whatever is killed with -9 in between."""

import asyncio
import os
import signal
import time
import uuid

from builders import a_body, without_simulation_flag
from http_clients import http_client
from waiting import PATIENCE_SECONDS, until

PROPOSALS = "/rebalance/proposals"


async def test_creates_while_the_worker_is_killed_and_restarted(service, clients):
    slots = asyncio.Semaphore(40)

    async def create() -> None:
        async with slots:
            await clients.finished(await clients.submit())

    creates = asyncio.gather(*(create() for _ in range(100)))
    while len(clients.accepted) < 50:
        await asyncio.sleep(0.02)
    service.kill(service.worker)
    service.start_worker()
    await creates
    assert set(clients.statuses) == {202}
    await clients.all_succeed()
    clients.each_exactly_once()


async def test_the_api_is_killed_after_its_202(service, clients):
    submitted = [await clients.submit() for _ in range(10)]
    service.kill(service.api)
    service.start_api()
    await clients.all_succeed()
    assert len(submitted) == 10
    clients.each_exactly_once()


async def test_temporal_is_killed_for_ten_seconds(service, clients):
    await clients.submit()
    service.kill(service.temporal.child)
    began = time.monotonic()
    waits = []
    for _ in range(5):
        waits.append(-time.monotonic())
        await clients.submit()
        waits[-1] += time.monotonic()
    assert min(waits) < 1  # a 202 does not wait for Temporal, which would take two seconds each time
    service.wait_for("degraded")
    await asyncio.gather(*(clients.submit() for _ in range(20)))
    await asyncio.sleep(max(0.0, 10 - (time.monotonic() - began)))
    service.temporal.start()
    await clients.all_succeed()
    clients.each_exactly_once()


async def test_temporal_is_frozen_and_thaws(service, clients):
    """A frozen server takes connections and calls, and never returns: synchronous creates stop waiting all the same."""
    await clients.submit()
    await clients.all_succeed()

    async def create(http, key: str) -> float:
        began = time.monotonic()
        answer = await http.post(PROPOSALS, json=a_body(), headers={"Idempotency-Key": key})
        assert answer.status_code == 202, answer.text
        clients.note(key, answer.json()["operation_id"])
        return time.monotonic() - began

    with service.another_api() as url:
        async with (
            http_client(service.url) as here,
            http_client(url) as there,
        ):
            os.kill(service.temporal.child.pid, signal.SIGSTOP)
            try:
                waits = await asyncio.gather(
                    *(create(here, f"here-{number}") for number in range(20)),
                    *(create(there, f"there-{number}") for number in range(5)),
                )
                waits.append(await create(here, "there-0"))
                waits.append(await create(there, "later"))
            finally:
                os.kill(service.temporal.child.pid, signal.SIGCONT)
            assert max(waits) < 20  # two are promised; without an end of the wait it is 25
            await clients.all_succeed()
            clients.each_exactly_once()
            for http in (here, there):  # each process notices by itself that Temporal is back
                async with asyncio.timeout(PATIENCE_SECONDS):
                    answer = None
                    while answer is None or answer.status_code != 200:
                        key = uuid.uuid4().hex
                        answer = await http.post(PROPOSALS, json=a_body(), headers={"Idempotency-Key": key})
                        await clients.submit(key)  # the answer with 200 does not name the operation
                        await asyncio.sleep(0.2)
            await clients.all_succeed()


async def test_temporal_loses_its_data(service, clients):
    """Under load: some workflows are done, some under way, some waiting, and all of them are forgotten."""
    ((began,),) = service.rows("SELECT now()")
    stop = asyncio.Event()

    async def load() -> None:
        async with asyncio.TaskGroup() as creates:
            while not stop.is_set():
                creates.create_task(clients.submit())
                await asyncio.sleep(0.1)

    def at_least(count: int, where: str) -> bool:
        (found,) = service.rows(f"SELECT count(*) FROM operations WHERE created_at >= '{began}' AND {where}")
        return found[0] >= count

    loading = asyncio.create_task(load())
    await until(lambda: at_least(10, "status = 'SUCCEEDED'"))
    service.kill(service.worker)
    waiting = "status = 'PENDING' AND started_workflow_at IS NOT NULL"  # and no worker does them
    await until(lambda: at_least(5, waiting))
    service.kill(service.temporal.child)
    service.lose_temporals_data()
    await until(lambda: at_least(5, "started_workflow_at IS NULL"))
    service.temporal.start()
    service.start_worker()
    accepted = len(clients.accepted)
    await until(lambda: len(clients.accepted) >= accepted + 10)
    stop.set()
    await loading
    await clients.all_succeed()
    assert len(clients.accepted) >= 30
    assert set(clients.statuses) == {202}
    clients.each_exactly_once()


async def test_postgresql_is_killed_and_comes_back(service, clients):
    await clients.submit()
    service.kill(service.postgres.child)
    async with http_client(service.url) as http:
        for _ in range(3):
            began = time.monotonic()
            refused = await http.post(
                "/rebalance/proposals/async", json=a_body(), headers={"Idempotency-Key": "while-away"}
            )
            assert time.monotonic() - began < 12  # two are promised; a wait for a slot takes 15
            assert (refused.status_code, refused.json()["code"]) == (503, "PROPOSAL_POSTGRES_CONNECTION_FAILED")
            assert refused.headers["Retry-After"]
            assert refused.headers["Content-Type"] == "application/problem+json"
        assert (await http.get("/health/live")).status_code == 200
        assert (await http.get("/health/ready")).status_code == 503
    service.postgres.start()
    await clients.submit("while-away")
    await clients.all_succeed()
    clients.each_exactly_once()


async def test_postgresql_is_frozen_and_thaws(service, clients):
    await clients.submit()
    await clients.all_succeed()
    frozen = service.processes_of_postgres()
    for process in frozen:
        os.kill(process, signal.SIGSTOP)
    try:
        async with http_client(service.url) as http:
            began = time.monotonic()
            answers = await asyncio.gather(
                *(
                    http.post("/rebalance/proposals/async", json=a_body(), headers={"Idempotency-Key": f"f{number}"})
                    for number in range(20)
                )
            )
            assert time.monotonic() - began < 12
            assert {answer.status_code for answer in answers} == {503}
    finally:
        for process in frozen:
            os.kill(process, signal.SIGCONT)
    await asyncio.gather(*(clients.submit(f"f{number}") for number in range(20)))
    await clients.all_succeed()
    clients.each_exactly_once()


async def test_a_business_failure_survives_the_worker_too(service, clients):
    service.kill(service.worker)
    operation_id = await clients.submit(body=without_simulation_flag())
    service.start_worker()
    ended = await clients.finished(operation_id)
    assert ended["error"]["message"].startswith("PROPOSAL_SIMULATION_DISABLED")

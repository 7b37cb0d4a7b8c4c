"""Cancelling an operation: without Temporal or a worker, and in races."""

import asyncio
import random
import time
from itertools import chain

import psycopg
import pytest
from answers import assert_problem
from builders import a_body, a_large_body
from temporalio.client import WorkflowExecutionStatus
from waiting import PATIENCE_SECONDS, until

from cli.local.ports import free_port
from runtime.engine_pool import EnginePool
from services import temporal_workflows


@pytest.fixture
def computing(monkeypatch) -> asyncio.Event:
    """Set when a large request is computed. That lasts until it is cancelled: on a slow machine it might end before."""
    run, begun = EnginePool.run, asyncio.Event()

    async def run_on(pool: EnginePool, *_, **__) -> None:
        begun.set()
        await run(pool, time.sleep, 10_000)

    monkeypatch.setattr(EnginePool, "run", run_on)
    return begun


CANCELLED = {
    "code": "ProposalOperationCancelledError",
    "message": "OPERATION_CANCELLED",
    "problem": "OPERATION_CANCELLED",
}


async def test_a_cancel_ends_the_operation_at_once_without_a_worker(api, temporal_client):
    operation_id = (await api.submit(a_body())).json()["operation_id"]
    answer = await api.post(f"/operations/{operation_id}/cancel", None)
    assert answer.status_code == 202
    cancelled = answer.json()
    assert (cancelled["status"], cancelled["error"], cancelled["result"]) == ("FAILED", CANCELLED, None)
    assert cancelled["finished_at"]
    assert (await api.get(f"/operations/{operation_id}")).json() == cancelled
    assert_problem(await api.post(f"/operations/{operation_id}/cancel", None), 409, "OPERATION_ALREADY_TERMINAL")


async def test_its_workflow_is_cancelled_afterwards(api, worker, temporal_client, database_dsn, computing):
    operation_id = (await api.submit(a_large_body())).json()["operation_id"]
    handle = temporal_client.get_workflow_handle(operation_id)
    await until(computing.is_set)
    assert (await api.post(f"/operations/{operation_id}/cancel", None)).status_code == 202
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
            await asyncio.sleep(0.05)
    assert (await handle.describe()).status in (WorkflowExecutionStatus.CANCELED, WorkflowExecutionStatus.FAILED)
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        select = "SELECT status, workflow_to_cancel FROM operations"
        await until(lambda: connection.execute(select).fetchall() == [("FAILED", False)])  # noted when it is cancelled
        assert connection.execute("SELECT count(*) FROM proposals").fetchone() == (0,)


async def test_a_cancel_needs_no_temporal(serve, settings, monkeypatch, database_dsn):
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    async with serve(settings) as api:
        operation_id = (await api.submit(a_body())).json()["operation_id"]
        answer = await api.post(f"/operations/{operation_id}/cancel", None)
        assert (answer.status_code, answer.json()["error"]) == (202, CANCELLED)
    with psycopg.connect(database_dsn) as connection:  # reconcile will find it
        assert connection.execute("SELECT workflow_to_cancel FROM operations").fetchall() == [(True,)]


async def test_a_waiter_is_woken_by_a_cancel(api):
    operation_id = (await api.submit(a_body())).json()["operation_id"]
    waiting = asyncio.create_task(api.get(f"/operations/{operation_id}", wait=20))
    await asyncio.sleep(0.3)
    began = asyncio.get_running_loop().time()
    await api.post(f"/operations/{operation_id}/cancel", None)
    assert (await waiting).json()["error"] == CANCELLED
    assert asyncio.get_running_loop().time() - began < 15  # the wait alone takes 20


async def test_a_synchronous_create_that_is_cancelled_answers_409(api, monkeypatch):
    monkeypatch.setattr(temporal_workflows, "ANSWER_SECONDS", PATIENCE_SECONDS)  # an outage would end the wait
    creating = asyncio.create_task(api.post("", a_body(), **{"Idempotency-Key": "k", "X-Correlation-Id": "mine"}))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (found := await api.get("/operations/by-correlation/mine")).status_code == 404:
            await asyncio.sleep(0.05)
    await api.post(f"/operations/{found.json()['operation_id']}/cancel", None)
    assert_problem(await creating, 409, "OPERATION_CANCELLED")


async def test_of_a_cancel_and_the_commit_exactly_one_wins(api, worker, database_dsn):
    """A race waits longer after a cancel that won, less after a commit that won: both win, on a slow machine too."""
    spread = random.Random(7)  # noqa: S311 -- moments, not secrets

    async def races() -> list[tuple[str, int, str]]:
        ended, longest = [], 0.05
        for _ in range(8):
            operation_id = (await api.submit(a_body())).json()["operation_id"]
            await asyncio.sleep(longest * spread.uniform(0.5, 1))
            answer = await api.post(f"/operations/{operation_id}/cancel", None)
            ended.append((operation_id, answer.status_code, (await api.finished(operation_id))["status"]))
            longest *= 2.5 if answer.status_code == 202 else 0.6
        return ended

    ended = list(chain.from_iterable(await asyncio.gather(*(races() for _ in range(8)))))
    assert {(code, status) for _, code, status in ended} == {(202, "FAILED"), (409, "SUCCEEDED")}
    with psycopg.connect(database_dsn) as connection:
        made = connection.execute("SELECT operation_id FROM proposal_versions").fetchall()
    assert sorted(made) == sorted((operation_id,) for operation_id, _, status in ended if status == "SUCCEEDED")


async def test_a_cancel_in_temporal_comes_to_the_same_end(api, worker, temporal_client, computing):
    operation_id = (await api.submit(a_large_body())).json()["operation_id"]
    await until(computing.is_set)
    await temporal_client.get_workflow_handle(operation_id).cancel()
    ended = await api.finished(operation_id)
    assert (ended["status"], ended["error"]) == ("FAILED", CANCELLED)


@pytest.mark.parametrize("operation_id", ["pop_0", "x" * 300, "%00"])
async def test_what_is_not_there_cannot_be_cancelled(api, operation_id):
    answer = await api.post(f"/operations/{operation_id}/cancel", None)
    assert_problem(answer, 404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")

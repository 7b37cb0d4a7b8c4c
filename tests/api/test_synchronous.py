"""Creating and waiting: the same operations, answered with what they made, or with the promise that they go on."""

import asyncio
import os
import signal
import time
from urllib.parse import quote

import psycopg
import pytest
from answers import assert_problem, stored
from builders import a_body, without_simulation_flag
from waiting import PATIENCE_SECONDS

from cli.local.ports import free_port
from cli.local.temporal_server import TemporalDevServer
from domain.errors import OperationCancelled, OperationInternalError, OperationTerminated, OperationTimedOut
from domain.operation import OperationFailure
from services import temporal_workflows
from services.ending import end_failed

HELD_SECONDS = 20  # a create that waits its time out takes 25, one that stops waiting for Temporal takes 2
KEY = {"Idempotency-Key": "k"}


async def test_a_create_answers_what_it_made(api, worker):
    created = await api.post("", a_body(), **KEY, **{"X-Correlation-Id": "c"})
    assert (created.status_code, created.headers["X-Correlation-Id"]) == (200, "c")
    body = created.json()
    assert list(body) == ["proposal", "version", "latest_workflow_event"]
    assert body["version"]["proposal_result"]["correlation_id"] == "c"
    operation = (await api.get("/operations/by-correlation/c")).json()
    assert (operation["status"], operation["result"]) == ("SUCCEEDED", body)
    keyed = (await api.get("/idempotency/k")).json()
    assert keyed == {
        "idempotency_key": "k",
        "request_hash": body["version"]["request_hash"],
        "proposal_id": body["proposal"]["proposal_id"],
        "proposal_version_no": 1,
        "created_at": body["proposal"]["created_at"],
    }


async def test_a_replay_answers_the_first_version_with_the_proposals_present(api, worker):
    first = await api.post("", a_body(), **KEY)
    proposal_id = first.json()["proposal"]["proposal_id"]
    await api.post(
        f"/{proposal_id}/transitions", {"event_type": "CANCELLED", "actor_id": "a", "expected_state": "DRAFT"}
    )
    again = await api.post("", a_body(), **KEY)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.json()["version"] == first.json()["version"]
    assert again.json()["proposal"]["current_state"] == "CANCELLED"
    assert again.json()["latest_workflow_event"]["event_type"] == "CANCELLED"
    asynchronous = await api.submit(a_body(), key="k")
    assert (asynchronous.status_code, asynchronous.json()["status"]) == (202, "SUCCEEDED")
    assert_problem(await api.post("", a_body(created_by="other"), **KEY), 409, "IDEMPOTENCY_KEY_CONFLICT")


async def test_parallel_creates_with_one_key_make_one_proposal(api, worker, database_dsn):
    answers = await asyncio.gather(*(api.post("", a_body(), **KEY) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["proposal"]["proposal_id"] for answer in answers}) == 1
    with psycopg.connect(database_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM proposals").fetchone() == (1,)


async def test_without_the_option_nothing_is_accepted_but_a_replay_is_answered(settings, worker, serve, database_dsn):
    async with serve(settings) as api:
        problem = assert_problem(
            await api.post("", without_simulation_flag(), **KEY), 422, "PROPOSAL_SIMULATION_DISABLED"
        )
        assert problem["detail"] == "PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true"
        assert stored(database_dsn) == 0
    async with serve(settings.model_copy(update={"require_simulation_flag": False})) as api:
        assert (await api.post("", without_simulation_flag(), **KEY)).status_code == 200
    async with serve(settings) as api:
        assert (await api.post("", without_simulation_flag(), **KEY)).headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("prefer", "seconds", "applied"),
    [("respond-async", 0.0, True), ("wait=1, respond-async", 1.0, True), ("wait=1", 1.0, False)],
)
async def test_a_client_may_prefer_to_be_told_early(api, prefer, seconds, applied):
    began = time.monotonic()
    answer = await api.post("", a_body(), **KEY, Prefer=prefer)  # no worker
    assert seconds <= time.monotonic() - began < HELD_SECONDS
    assert answer.status_code == 202
    assert list(answer.json()) == [
        *("operation_id", "operation_type", "status", "correlation_id", "created_at", "status_url")
    ]
    assert answer.headers["Location"] == answer.json()["status_url"]
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers.get("Preference-Applied") == ("respond-async" if applied else None)
    assert (await api.http.get(answer.headers["Location"])).json()["status"] == "PENDING"


async def test_what_does_not_end_in_time_goes_on(settings, serve):
    async with serve(settings.model_copy(update={"sync_wait_seconds": 0.3})) as api:
        first = await api.post("", a_body(), **KEY)
        again = await api.post("", a_body(), **KEY)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["operation_id"] == again.json()["operation_id"]


async def test_where_operations_are_not_served_the_same_key_goes_on_waiting(settings, serve, database_dsn):
    flags = {"sync_wait_seconds": 0.2, "async_operations_enabled": False}
    async with serve(settings.model_copy(update=flags)) as api:
        problem = await api.post("", a_body(), **KEY)
        assert_problem(problem, 503, "OPERATION_IN_PROGRESS")
        assert problem.headers["Retry-After"]
        assert (await api.post("", a_body(), **KEY)).status_code == 503
    with psycopg.connect(database_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM operations").fetchone() == (1,)


async def test_without_temporal_the_promise_comes_early(settings, serve, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    async with serve(settings) as api:
        began = time.monotonic()
        assert (await api.post("", a_body(), **KEY)).status_code == 202
        assert (await api.post("", a_body(), **{"Idempotency-Key": "other"})).status_code == 202
        assert time.monotonic() - began < HELD_SECONDS


@pytest.fixture
def own_temporal(tmp_path, settings, monkeypatch):
    """A server that a test may freeze: it takes connections and calls then, and never returns."""
    with TemporalDevServer(None, free_port(), free_port(), log=tmp_path / "temporal.log") as server:
        monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
        monkeypatch.delenv("TEMPORAL_NAMESPACE")
        try:
            yield server
        finally:
            os.kill(server.child.pid, signal.SIGCONT)


@pytest.mark.parametrize("is_connected", [True, False])
async def test_a_frozen_temporal_holds_no_create(settings, serve, own_temporal, is_connected):
    """Whether operations are served (202) or not (503)."""
    gated = settings.model_copy(update={"async_operations_enabled": False})
    async with serve(settings) as promising, serve(gated) as refusing:
        for api in (promising, refusing):
            while is_connected and (await api.http.get("/health/ready")).json()["temporal"] != "ok":
                await asyncio.sleep(0.05)
        os.kill(own_temporal.child.pid, signal.SIGSTOP)
        for api, status in ((promising, 202), (refusing, 503)):
            began = time.monotonic()
            answers = await asyncio.gather(
                *(api.post("", a_body(), **{"Idempotency-Key": f"{status}-{number}"}) for number in range(20))
            )
            for _ in range(2):
                answers.append(await api.post("", a_body(), **{"Idempotency-Key": f"{status}-last"}))
            assert time.monotonic() - began < HELD_SECONDS
            assert {answer.status_code for answer in answers} == {status}
            if status == 503:
                assert {answer.json()["code"] for answer in answers} == {"OPERATION_IN_PROGRESS"}


@pytest.fixture
async def patient(settings, serve, monkeypatch):
    """An API that waits for an operation without a worker, however late Temporal answers its start."""
    monkeypatch.setattr(temporal_workflows, "ANSWER_SECONDS", PATIENCE_SECONDS)
    async with serve(settings.model_copy(update={"sync_wait_seconds": PATIENCE_SECONDS})) as api:
        yield api


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationCancelled, 409),
        (OperationTerminated, 409),
        (OperationTimedOut, 504),
        (OperationInternalError, 500),
    ],
)
async def test_an_operation_that_is_ended_meanwhile_answers_why(patient, storage, error, status):
    waiting = asyncio.create_task(patient.post("", a_body(), **KEY, **{"X-Correlation-Id": "c"}))
    while (found := await patient.get("/operations/by-correlation/c")).status_code == 404:
        await asyncio.sleep(0.02)
    await end_failed(storage, found.json()["operation_id"], OperationFailure.of(error))
    assert_problem(await waiting, status, error.code)


async def test_the_lifecycle_gate_comes_after_the_schema(settings, serve):
    async with serve(settings.model_copy(update={"workflow_lifecycle_enabled": False})) as api:
        assert_problem(await api.post("", a_body(), **KEY), 404, "PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED")
        assert (await api.post("", {}, **KEY)).status_code == 422
        assert (await api.post("", a_body())).status_code == 422  # without a key


async def test_a_key_without_a_proposal_is_not_found(api):
    await api.submit(a_body(), key="pending/key")
    for key in ("pending%2Fkey", "unknown", "%00", "x" * 300):
        assert_problem(await api.get(f"/idempotency/{key}"), 404, "PROPOSAL_IDEMPOTENCY_KEY_NOT_FOUND")


async def test_every_accepted_key_is_found_by_path(api, worker):
    for key in ("a/b/c", "workflow-events", "//x", "?&#%+", "~!@$^*()", '"quoted"'):
        await api.post("", a_body(), **{"Idempotency-Key": key})
        found = await api.http.get(f"/rebalance/proposals/idempotency/{quote(key, safe='')}")
        assert found.json()["idempotency_key"] == key.strip('"')

"""Retrying a failed operation: the stored request as the next attempt of its key."""

import asyncio

import psycopg
import pytest
from answers import assert_problem
from builders import a_body, a_version_body, without_simulation_flag
from psycopg.rows import dict_row

from activities.work_at_hand import WorkAtHand

PATH = "/operations/{}/retry"
PURGE = """
WITH gone AS (DELETE FROM operations WHERE operation_id = %s RETURNING *)
INSERT INTO expired_operations
SELECT operation_id, operation_type, status, client, error_code, correlation_id, idempotency_key, proposal_id,
    version_no, created_at, finished_at, now()
FROM gone
"""


def purge(dsn: str, operation_id: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(PURGE, [operation_id])


async def cancelled(api, key: str | None = "k", body=None) -> str:
    operation_id = (await api.submit(body or a_body(), key=key, **{"X-Correlation-Id": "mine"})).json()["operation_id"]
    assert (await api.post(f"/operations/{operation_id}/cancel", None)).status_code == 202
    return operation_id


@pytest.fixture
def cancelled_version(api, worker, monkeypatch):
    """Submits a version and cancels it, before the first step of its worker has read it."""
    may_read, read = asyncio.Event(), WorkAtHand.read
    may_read.set()

    async def read_later(work: WorkAtHand, operation_id: str):
        await may_read.wait()
        return await read(work, operation_id)

    monkeypatch.setattr(WorkAtHand, "read", read_later)

    async def cancelled_version(proposal_id: str, **headers: str) -> str:
        may_read.clear()
        answer = await api.post(f"/{proposal_id}/versions/async", a_version_body(), **headers)
        operation_id = answer.json()["operation_id"]
        assert (await api.post(f"/operations/{operation_id}/cancel", None)).status_code == 202
        may_read.set()
        return operation_id

    return cancelled_version


async def test_a_retry_is_the_next_attempt_of_the_key(api, settings, database_dsn):
    first = await cancelled(api)
    answer = await api.post(PATH.format(first), None)
    assert answer.status_code == 202
    second = answer.json()
    assert list(second) == [
        *("operation_id", "operation_type", "status", "correlation_id", "created_at", "status_url"),
    ]
    assert (second["status"], second["correlation_id"]) == ("PENDING", "mine")
    assert second["operation_id"] != first
    assert answer.headers["Location"] == second["status_url"]
    read = (await api.get(f"/operations/{second['operation_id']}")).json()
    assert (read["attempt"], read["idempotency_key"], read["created_by"]) == (2, "k", "advisor_1")
    by_correlation = (await api.get("/operations/by-correlation/mine")).json()
    assert by_correlation["operation_id"] == second["operation_id"]
    same = await api.submit(a_body(), key="k")
    assert same.json()["operation_id"] == second["operation_id"]
    with psycopg.connect(database_dsn) as connection:
        documents = connection.execute("SELECT DISTINCT request_document, request_hash FROM operations").fetchall()
    assert len(documents) == 1


@pytest.mark.parametrize("is_version", [False, True])
async def test_a_retry_keeps_all_that_its_client_asked_for(api, worker, database_dsn, is_version):
    proposal_id = (await api.created())["proposal"]["proposal_id"]
    path = f"/{proposal_id}/versions/async" if is_version else "/async"
    body = a_version_body() if is_version else a_body(metadata={"title": "A title"})
    body["simulate_request"]["options"] = {}
    failed = (await api.post(path, body, **{"Idempotency-Key": "kept"})).json()["operation_id"]
    await api.finished(failed)
    again = (await api.post(PATH.format(failed), None)).json()["operation_id"]
    await api.finished(again)
    with psycopg.connect(database_dsn, row_factory=dict_row) as connection:
        first, second = (
            connection.execute("SELECT * FROM operations WHERE operation_id = %s", [each]).fetchone()
            for each in (failed, again)
        )
    differing = {name for name in first if first[name] != second[name]}
    times = {name for name in first if name.endswith("_at")}
    assert differing - times == {"operation_id", "attempt", "retried_by"}


async def test_a_retry_runs_to_its_end(api, worker):
    failed = (await api.submit(without_simulation_flag())).json()["operation_id"]
    await api.finished(failed)
    again = (await api.post(PATH.format(failed), None)).json()["operation_id"]
    ended = await api.finished(again)
    assert ended["error"]["message"].startswith("PROPOSAL_SIMULATION_DISABLED")


@pytest.mark.parametrize("key", ["k", None])
async def test_parallel_retries_make_one(api, cancelled_version, key, database_dsn):
    proposal_id = (await api.created())["proposal"]["proposal_id"]
    headers = {} if key is None else {"Idempotency-Key": key}
    failed = await cancelled_version(proposal_id, **headers)
    answers = await asyncio.gather(*(api.post(PATH.format(failed), None) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    (retried,) = {answer.json()["operation_id"] for answer in answers}
    ended = await api.finished(retried)
    assert (ended["status"], ended["version_no"], ended["attempt"]) == ("SUCCEEDED", 2, 2)
    with psycopg.connect(database_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM operations").fetchone() == (3,)


async def test_parallel_retries_and_submissions_with_the_key_make_one(api):
    failed = await cancelled(api)
    answers = await asyncio.gather(
        *(api.post(PATH.format(failed), None) for _ in range(10)), *(api.submit(a_body(), key="k") for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["operation_id"] for answer in answers}) == 1


@pytest.mark.parametrize("key", ["k", None])
async def test_only_the_newest_attempt_is_retried(api, cancelled_version, key):
    proposal_id = (await api.created())["proposal"]["proposal_id"]
    headers = {} if key is None else {"Idempotency-Key": key}
    first = await cancelled_version(proposal_id, **headers)
    attempts = [first]
    for number in (2, 3):
        answer = await api.post(PATH.format(attempts[-1]), None)
        attempts.append(answer.json()["operation_id"])
        cancel = await api.post(f"/operations/{attempts[-1]}/cancel", None)
        assert cancel.status_code == 202 or cancel.json()["code"] == "OPERATION_ALREADY_TERMINAL"
        read = (await api.get(f"/operations/{attempts[-1]}", include_result="false")).json()
        assert read["attempt"] == number
        if read["status"] == "SUCCEEDED":
            break
    for older in attempts[:-1]:
        answer = await api.post(PATH.format(older), None)
        assert (answer.status_code, answer.json()["operation_id"]) == (202, attempts[-1])


@pytest.mark.parametrize("key", ["k", None])
async def test_a_newest_attempt_that_was_purged_is_not_made_again(api, cancelled_version, database_dsn, key):
    """A callback that is still pending keeps the older attempt for longer than the newer one."""
    proposal_id = (await api.created())["proposal"]["proposal_id"]
    first = await cancelled_version(proposal_id, **({} if key is None else {"Idempotency-Key": key}))
    second = (await api.post(PATH.format(first), None)).json()["operation_id"]
    await api.finished(second)
    purge(database_dsn, second)
    answer = await api.post(PATH.format(first), None)
    assert (answer.status_code, answer.json()["operation"]["operation_id"]) == (410, second)
    assert (await api.get(f"/{proposal_id}")).json()["proposal"]["current_version_no"] == 2


async def test_a_key_that_went_to_another_request_is_not_taken_back(api):
    failed = await cancelled(api)
    await api.submit(a_body(created_by="advisor_9"), key="k")
    assert_problem(await api.post(PATH.format(failed), None), 409, "IDEMPOTENCY_KEY_CONFLICT")


async def test_what_has_not_failed_is_not_retried(api, worker):
    operation_id = (await api.submit(a_body())).json()["operation_id"]
    await api.finished(operation_id)
    assert_problem(await api.post(PATH.format(operation_id), None), 409, "OPERATION_NOT_FAILED")


async def test_what_still_runs_is_not_retried(api):
    operation_id = (await api.submit(a_body())).json()["operation_id"]
    assert_problem(await api.post(PATH.format(operation_id), None), 409, "OPERATION_NOT_FAILED")


@pytest.mark.parametrize("operation_id", ["pop_0", "x" * 300, "%00"])
async def test_what_is_not_there_is_not_retried(api, operation_id):
    assert_problem(await api.post(PATH.format(operation_id), None), 404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")

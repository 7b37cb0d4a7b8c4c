"""How many operations may be open: new ones beyond that are refused, what was accepted is answered as before."""

import asyncio

import psycopg
import pytest
from answers import assert_problem, stored
from builders import a_body, a_version_body

from services import open_operations
from storage.operations import COUNT_OPEN


@pytest.fixture
async def narrow(settings, serve, monkeypatch):
    """No worker: what is open stays open; each request counts."""
    monkeypatch.setattr(open_operations, "COUNT_EVERY_SECONDS", 0.0)
    async with serve(settings.model_copy(update={"max_open_operations": 2, "sync_wait_seconds": 0})) as api:
        yield api


async def test_a_full_house_refuses_what_is_new_and_answers_replays(narrow, database_dsn):
    accepted = [(await narrow.submit(a_body(), key=key)).json()["operation_id"] for key in ("a", "b")]
    before = stored(database_dsn)
    key = {"Idempotency-Key": "c"}
    for path, body in (("/async", a_body()), ("", a_body()), ("/pp_0/versions", a_version_body())):
        answer = await narrow.post(path, body, **key)
        assert_problem(answer, 429, "TOO_MANY_OPEN_OPERATIONS")
        assert answer.headers["Retry-After"] == "5"
    assert_problem(await narrow.post("/pp_0/versions/async", a_version_body()), 429, "TOO_MANY_OPEN_OPERATIONS")
    assert stored(database_dsn) == before
    replay = await narrow.submit(a_body(), key="a")
    assert (replay.status_code, replay.json()["operation_id"]) == (202, accepted[0])
    conflict = await narrow.submit(a_body(created_by="x"), key="a")
    assert_problem(conflict, 409, "IDEMPOTENCY_KEY_CONFLICT")

    assert (await narrow.post(f"/operations/{accepted[0]}/cancel", None)).status_code == 202
    assert (await narrow.submit(a_body(), key="c")).status_code == 202
    refused = await narrow.post(f"/operations/{accepted[0]}/retry", None)
    assert_problem(refused, 429, "TOO_MANY_OPEN_OPERATIONS")
    assert (await narrow.post(f"/operations/{accepted[1]}/cancel", None)).status_code == 202
    retried = await narrow.post(f"/operations/{accepted[0]}/retry", None)
    assert retried.status_code == 202
    again = await narrow.post(f"/operations/{accepted[0]}/retry", None)
    assert (again.status_code, again.json()["operation_id"]) == (202, retried.json()["operation_id"])


async def test_between_two_counts_this_process_adds_what_it_lets_in(settings, serve, monkeypatch):
    monkeypatch.setattr(open_operations, "COUNT_EVERY_SECONDS", 60.0)
    async with serve(settings.model_copy(update={"max_open_operations": 5})) as api:
        assert (await api.submit(a_body())).status_code == 202
        answers = await asyncio.gather(*(api.submit(a_body()) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [202] * 4 + [429] * 16


async def test_a_count_does_not_forget_what_is_under_way(settings, serve, monkeypatch):
    monkeypatch.setattr(open_operations, "COUNT_EVERY_SECONDS", 0.0)
    async with serve(settings.model_copy(update={"max_open_operations": 5})) as api:
        answers = await asyncio.gather(*(api.submit(a_body()) for _ in range(40)))
        assert [answer.status_code for answer in answers].count(202) <= 5
        assert {answer.status_code for answer in answers} == {202, 429}


async def test_what_is_open_is_counted_in_its_own_index(storage, database_dsn):
    with psycopg.connect(database_dsn) as connection:
        plan = connection.execute(f"EXPLAIN {COUNT_OPEN}", {"at_most": 10_000}).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "operations_to_reconcile" in text
    assert "Seq Scan" not in text

"""How many operations may be open: new ones beyond that are refused, what was accepted is answered as before."""

import asyncio

import psycopg
import pytest
from answers import assert_problem, stored
from builders import a_body, a_version_body
from issuer import EVERY_SCOPE, bearer
from operation_rows import insert_operations
from prometheus_client.parser import text_string_to_metric_families

from domain.operation import OperationType
from services import open_operations
from storage.operations import COUNT_OPEN_OF_CLIENT


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


PER_CLIENT = 3
ANYBODY = f"{EVERY_SCOPE} actors:any"


def of(client: str) -> dict[str, str]:
    return bearer("a", client_id=client, scope=ANYBODY)


def shared_limit(settings, issuer):
    return settings.model_copy(update=issuer.settings() | {"max_open_operations_per_client": PER_CLIENT})


async def refused_by(api) -> dict[str, float]:
    return {
        sample.labels["limit"]: sample.value
        for family in text_string_to_metric_families((await api.http.get("/metrics")).text)
        for sample in family.samples
        if sample.name == "proposals_operations_refused_total"
    }


async def test_a_client_at_its_limit_is_refused_and_no_other(settings, serve, issuer):
    async with serve(shared_limit(settings, issuer)) as api:
        assert await refused_by(api) == {"all_clients": 0, "one_client": 0}
        accepted = [(await api.submit(a_body(), key=f"k{n}", **of("crm"))).json() for n in range(PER_CLIENT)]
        refused = await api.submit(a_body(), key="new", **of("crm"))
        assert_problem(refused, 429, "TOO_MANY_OPEN_OPERATIONS")
        assert refused.headers["Retry-After"] == "5"
        version = await api.post("/pp_0/versions/async", a_version_body(), **of("crm"))
        assert_problem(version, 429, "TOO_MANY_OPEN_OPERATIONS")
        assert await refused_by(api) == {"all_clients": 0, "one_client": 2}

        assert (await api.submit(a_body(), **of("other"))).status_code == 202
        replay = await api.submit(a_body(), key="k0", **of("crm"))
        assert (replay.status_code, replay.json()["operation_id"]) == (202, accepted[0]["operation_id"])
        other_request = await api.submit(a_body(created_by="x"), key="k0", **of("crm"))
        assert_problem(other_request, 409, "IDEMPOTENCY_KEY_CONFLICT")

        cancel = await api.post(f"/operations/{accepted[0]['operation_id']}/cancel", None, **of("crm"))
        assert cancel.status_code == 202
        assert (await api.submit(a_body(), key="new", **of("crm"))).status_code == 202
        retry = await api.post(f"/operations/{accepted[0]['operation_id']}/retry", None, **of("crm"))
        assert_problem(retry, 429, "TOO_MANY_OPEN_OPERATIONS")
        assert (await api.submit(a_body(), key="k0", **of("crm"))).status_code == 429  # its operation has FAILED


async def test_parallel_submissions_through_two_processes_do_not_exceed_a_clients_limit(settings, serve, issuer):
    narrow = shared_limit(settings, issuer)
    async with serve(narrow) as first, serve(narrow) as second:
        answers = await asyncio.gather(
            *(api.submit(a_body(), **of(client)) for _ in range(8) for api in (first, second) for client in "ab")
        )
        assert sorted(answer.status_code for answer in answers) == [202] * 2 * PER_CLIENT + [429] * 26
        accepted = [answer.json()["operation_id"] for answer in answers if answer.status_code == 202]
        ended = [await api.post(f"/operations/{one}/cancel", None, **of("a")) for one in accepted for api in (first,)]
        own = [answer.json()["operation_id"] for answer in ended if answer.status_code == 202]
        assert len(own) == PER_CLIENT
        retries = await asyncio.gather(
            *(api.post(f"/operations/{one}/retry", None, **of("a")) for one in own for api in (first, second)),
            *(api.submit(a_body(), **of("a")) for _ in range(4) for api in (first, second)),
        )
        made = {answer.json()["operation_id"] for answer in retries if answer.status_code == 202}
        assert len(made) == PER_CLIENT


@pytest.mark.parametrize("has_statistics", [False, True])
async def test_what_is_open_of_a_client_is_counted_without_reading_the_table(database_dsn, has_statistics):
    with psycopg.connect(database_dsn) as connection:  # autovacuum would take some between the two
        connection.execute("ALTER TABLE operations SET (autovacuum_enabled = off)")
    insert_operations(database_dsn, 20_000)
    insert_operations(database_dsn, 20_000, client="crm")
    parameters = {"client": "crm", "types": list(OperationType), "at_most": 1000}
    with psycopg.connect(database_dsn) as connection:
        if has_statistics:
            connection.execute("ANALYZE operations")
        row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {COUNT_OPEN_OF_CLIENT}", parameters).fetchone()
        counted = connection.execute(
            "SELECT count(*) FROM operations WHERE client = 'crm' AND status IN ('PENDING', 'RUNNING')"
        ).fetchone()
    assert row is not None
    assert counted is not None
    (open_rows,) = counted
    (scan,) = [node for node in _nodes(row[0][0]["Plan"]) if node["Node Type"].endswith("Scan")]
    assert scan["Node Type"] in ("Index Only Scan", "Index Scan")
    read = scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)
    assert read <= (1000 if has_statistics else open_rows)


def _nodes(plan):
    return [plan, *(node for child in plan.get("Plans", ()) for node in _nodes(child))]

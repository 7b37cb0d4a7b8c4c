"""Every correlation id that an operation was answered under finds it (R33)."""

import asyncio
import uuid

import psycopg
import pytest
from answers import assert_problem
from builders import a_body, a_stored_operation, a_submission
from issuer import bearer
from purged_rows import purged_after
from storage_rows import submitting

from domain.errors import OperationInternalError
from domain.operation import OperationFailure
from services.ending import end_failed
from services.lookup import LookupService
from storage.correlation_ids import MAX_OF_OPERATION
from storage.unit_of_work import Storage

P = "/rebalance/proposals"
FAILURE = OperationFailure.of(OperationInternalError)


def under(correlation_id: str) -> dict[str, str]:
    return {"X-Correlation-Id": correlation_id}


async def found(api, correlation_id: str, **headers: str) -> dict:
    answer = await api.http.get(f"{P}/operations/by-correlation/{correlation_id}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(api, correlation_id: str, **query) -> list[str]:
    answer = await api.get("/operations", correlation_id=correlation_id, **query)
    return [item["operation_id"] for item in answer.json()["items"]]


async def test_a_replay_is_found_by_its_own_correlation_id(api, worker):
    first = (await api.submit(a_body(), key="k", **under("a/1"))).json()
    for correlation_id in ("b+2", "b+2", "c"):
        again = await api.submit(a_body(), key="k", **under(correlation_id))
        assert again.headers["Idempotent-Replayed"] == "true"
    made_here = (await api.submit(a_body(), key="k")).headers["X-Correlation-Id"]
    waited = await api.created(a_body(), **{"Idempotency-Key": "k"}, **under("d"))
    for correlation_id in ("a%2F1", "b%2B2", "c", made_here, "d"):
        operation = await found(api, correlation_id)
        assert (operation["operation_id"], operation["correlation_id"]) == (first["operation_id"], "a/1")
        assert operation["proposal_id"] == waited["proposal"]["proposal_id"]
    for correlation_id in ("a/1", "b+2", "c"):
        assert await listed(api, correlation_id) == [first["operation_id"]]


async def test_a_conflict_adds_no_correlation_id(api):
    await api.submit(a_body(), key="k")
    assert_problem(
        await api.submit(a_body(created_by="advisor_2"), key="k", **under("refused")), 409, "IDEMPOTENCY_KEY_CONFLICT"
    )
    answer = await api.get("/operations/by-correlation/refused")
    assert_problem(answer, 404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")


async def test_twins_are_found_by_an_id_each(api):
    key = uuid.uuid4().hex
    answers = await asyncio.gather(*(api.submit(a_body(), key=key, **under(f"twin-{number}")) for number in range(20)))
    (operation_id,) = {answer.json()["operation_id"] for answer in answers}
    assert {(await found(api, f"twin-{number}"))["operation_id"] for number in range(20)} == {operation_id}


@pytest.mark.parametrize("key", ["k", None])
async def test_a_retry_is_found_by_its_own_correlation_id_and_its_attempt_is_first(api, storage: Storage, key):
    accepted = await submitting(storage).submit(a_submission(key=key, correlation_id="first"))
    failed_id = accepted.operation.operation_id
    await end_failed(storage, failed_id, FAILURE)
    retried = await api.post(f"/operations/{failed_id}/retry", None, **under("second"))
    late = await api.post(f"/operations/{failed_id}/retry", None, **under("late"))
    assert (retried.status_code, late.json()["operation_id"]) == (202, retried.json()["operation_id"])
    for correlation_id in ("first", "second", "late"):
        operation = await found(api, correlation_id)
        assert (operation["operation_id"], operation["attempt"]) == (retried.json()["operation_id"], 2)
        assert operation["correlation_id"] == "first"
    assert await listed(api, "first") == [retried.json()["operation_id"], failed_id]


async def test_the_newest_operation_is_first_whichever_way_it_has_the_id(api):
    newest_first: list[str] = []
    for key, own in (("1", "shared"), ("2", "own-2"), ("3", "own-3")):
        newest_first.insert(0, (await api.submit(a_body(), key=key, **under(own))).json()["operation_id"])
    await api.submit(a_body(), key="3", **under("shared"))
    await api.submit(a_body(), key="2", **under("shared"))
    assert (await found(api, "shared"))["correlation_id"] == "own-3"
    assert await listed(api, "shared") == newest_first
    answer = await api.get("/operations", correlation_id="shared", limit=2)
    assert [item["operation_id"] for item in answer.json()["items"]] == newest_first[:2]
    assert await listed(api, "shared", limit=2, cursor=answer.json()["next_cursor"]) == newest_first[2:]
    assert await listed(api, "shared", status="SUCCEEDED") == []
    await api.submit(a_body(), key="4", **under("shared"))
    assert (await found(api, "shared"))["correlation_id"] == "shared"


async def test_other_clients_find_nothing(secured):
    mine, others = (bearer(client_id=client) for client in ("one", "two"))
    for correlation_id in ("a", "b"):
        assert (await secured.submit(a_body(), key="k", **mine, **under(correlation_id))).status_code == 202
    assert (await found(secured, "b", **mine))["correlation_id"] == "a"
    answer = await secured.http.get(f"{P}/operations/by-correlation/b", headers=others)
    assert_problem(answer, 404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")


async def test_a_purged_operation_is_gone_by_every_id(api, storage: Storage, database_dsn):
    accepted = await submitting(storage).submit(a_submission(correlation_id="own"))
    await submitting(storage).submit(a_submission(correlation_id="further"))
    await end_failed(storage, accepted.operation.operation_id, FAILURE)
    assert (await purged_after(storage, database_dsn, days=31))["operations"] == 1
    for correlation_id in ("own", "further"):
        answer = await api.get(f"/operations/by-correlation/{correlation_id}")
        assert (answer.status_code, answer.json()["operation"]["correlation_id"]) == (410, "own")
    older = await a_stored_operation(storage, correlation_id="further")
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE operations SET created_at = now() - interval '60 days'")
    await end_failed(storage, older.operation_id, FAILURE)
    assert (await api.get("/operations/by-correlation/further")).status_code == 410  # the purged one is newer
    assert (await purged_after(storage, database_dsn, days=90.5))["correlation_ids"] == 1
    with psycopg.connect(database_dsn) as connection:
        assert connection.execute("SELECT * FROM operation_correlation_ids").fetchall() == []


async def test_ids_of_what_is_still_there_are_kept(storage: Storage, database_dsn):
    """However old: an operation that never ends keeps its ids."""
    await submitting(storage).submit(a_submission(correlation_id="own"))
    await submitting(storage).submit(a_submission(correlation_id="further"))
    assert (await purged_after(storage, database_dsn, days=4000))["correlation_ids"] == 0
    assert (await LookupService(storage).newest_operation("further", client="local")).correlation_id == "own"


async def test_an_operation_has_a_hundred_further_ids_the_newest(storage: Storage, database_dsn):
    operation = await a_stored_operation(storage, correlation_id="own")
    ids = [f"further-{number}" for number in range(MAX_OF_OPERATION + 5)]
    async with storage.autocommit() as transaction:
        for correlation_id in [*ids, ids[5]]:
            await transaction.correlation_ids.add(operation, correlation_id)
    with psycopg.connect(database_dsn) as connection:
        kept = connection.execute(
            "SELECT correlation_id FROM operation_correlation_ids ORDER BY answered_at"
        ).fetchall()
    assert [correlation_id for (correlation_id,) in kept] == [*ids[6:], ids[5]]

"""What is still said of an operation that was purged, and what its key still stands for."""

import psycopg
import pytest
from answers import assert_problem
from builders import a_body, a_version_body

# As the purge leaves it 31 days later: tests/services/test_purging.py holds it against the real one.
PURGE = """
WITH gone AS (DELETE FROM operations WHERE finished_at IS NOT NULL RETURNING *)
INSERT INTO expired_operations
SELECT operation_id, operation_type, status, client, error_code, correlation_id, idempotency_key, proposal_id,
    version_no, created_at, finished_at, now()
FROM gone
"""
MINE = {"X-Correlation-Id": "mine"}


def purge(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(PURGE)


async def test_a_purged_operation_is_gone_and_says_what_it_was(api, worker, database_dsn):
    operation_id = (await api.submit(a_body(), key="k", **MINE)).json()["operation_id"]
    ended = await api.finished(operation_id)
    purge(database_dsn)
    for path in (
        f"/operations/{operation_id}",
        "/operations/by-correlation/mine",
        f"/operations/{operation_id}?wait=5",
        f"/operations/{operation_id}/callbacks",
    ):
        answer = await api.get(path)
        assert answer.status_code == 410
        problem = answer.json()
        said = problem.pop("operation")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (problem["status"], problem["code"], problem["detail"]) == (
            410,
            "OPERATION_EXPIRED",
            "OPERATION_EXPIRED",
        )
        assert said.pop("expired_at")
        assert said == {
            **{name: ended[name] for name in ("operation_id", "operation_type", "status", "proposal_id")},
            **{name: ended[name] for name in ("version_no", "created_at", "finished_at", "correlation_id")},
            "idempotency_key": "k",
            "error_code": None,
        }
    for action in ("cancel", "retry", "callbacks/redeliver"):
        assert (await api.post(f"/operations/{operation_id}/{action}", None)).status_code == 410
    assert (await api.get(f"/{ended['proposal_id']}")).status_code == 200


async def test_a_newer_operation_of_a_correlation_id_hides_the_purged_one(api, worker, database_dsn):
    first = (await api.submit(a_body(), **MINE)).json()["operation_id"]
    await api.finished(first)
    purge(database_dsn)
    second = (await api.submit(a_body(), **MINE)).json()["operation_id"]
    assert (await api.get("/operations/by-correlation/mine")).json()["operation_id"] == second
    await api.finished(second)
    assert (await api.get("/operations/by-correlation/mine")).json()["operation_id"] == second


async def test_an_older_operation_does_not_hide_the_purged_one(api, worker, database_dsn):
    first = (await api.submit(a_body(), **MINE)).json()["operation_id"]
    await api.finished(first)
    second = (await api.submit(a_body(), **MINE)).json()["operation_id"]
    await api.finished(second)
    with psycopg.connect(database_dsn) as connection:
        connection.execute(PURGE.replace("finished_at IS NOT NULL", f"operation_id = '{second}'"))
    answer = await api.get("/operations/by-correlation/mine")
    assert (answer.status_code, answer.json()["operation"]["operation_id"]) == (410, second)


async def test_a_replay_of_a_purged_success_still_answers(api, worker, database_dsn):
    created = await api.created(**{"Idempotency-Key": "k"})
    proposal_id = created["proposal"]["proposal_id"]
    await api.post(f"/{proposal_id}/versions", a_version_body(), **{"Idempotency-Key": "v"})
    purge(database_dsn)
    present = (await api.get(f"/{proposal_id}")).json()["proposal"]

    synchronous = await api.post("", a_body(), **{"Idempotency-Key": "k"})
    assert (synchronous.status_code, synchronous.headers["Idempotent-Replayed"]) == (200, "true")
    assert synchronous.json()["version"] == created["version"]
    assert synchronous.json()["proposal"] == present

    submitted = await api.submit(a_body(), key="k")
    assert (submitted.status_code, submitted.headers["Idempotent-Replayed"]) == (202, "true")
    assert (submitted.json()["status"], submitted.json()["created_at"]) == ("SUCCEEDED", present["created_at"])

    version = await api.post(f"/{proposal_id}/versions", a_version_body(), **{"Idempotency-Key": "v"})
    assert (version.status_code, version.json()["version"]["version_no"]) == (200, 2)
    assert_problem(await api.submit(a_body(created_by="advisor_2"), key="k"), 409, "IDEMPOTENCY_KEY_CONFLICT")

    keyed = (await api.get("/idempotency/k")).json()
    assert (keyed["proposal_id"], keyed["proposal_version_no"]) == (proposal_id, 1)


@pytest.mark.parametrize("path", ["/operations/pop_0", "/operations/by-correlation/nobody"])
async def test_what_never_was_is_not_gone(api, path):
    assert_problem(await api.get(path), 404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")

"""Times in queries, as people write them (R30), and what else loses its `+` on the way."""

import psycopg
import pytest
from answers import assert_problem
from builders import a_body
from operation_rows import insert_operations
from proposal_rows import insert_proposals

LISTS = {"": "proposals", "/operations": "operations"}


@pytest.fixture(params=LISTS)
def path(request, database_dsn) -> str:
    """A list of four rows at the edges of the first of March."""
    insert_operations(database_dsn, 4)
    insert_proposals(database_dsn, 4)
    table = LISTS[request.param]
    moments = ("2026-02-28 23:59:59.999999", "2026-03-01 00:00", "2026-03-01 23:59:59.999999", "2026-03-02 00:00")
    key = f"{table.removesuffix('s')}_id"
    with psycopg.connect(database_dsn) as connection:
        for number, moment in enumerate(moments):
            connection.execute(
                f"UPDATE {table} SET created_at = '{moment}+00' WHERE {key} ="
                f" (SELECT {key} FROM {table} ORDER BY {key} OFFSET {number} LIMIT 1)"
            )
    return request.param


async def count(api, path: str, query: str) -> int:
    answer = await api.http.get(f"/rebalance/proposals{path}?{query}")
    assert answer.status_code == 200, answer.text
    return len(answer.json()["items"])


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("created_from=2026-03-01", 3),
        ("created_to=2026-03-01", 3),
        ("created_from=2026-03-01&created_to=2026-03-01", 2),
        ("created_from=2026-03-01T00:00&created_to=2026-03-01T00:00", 1),
        ("created_to=2026-03-01T23:59:59", 2),
        ("created_from=2026-03-01T23:59:59.999999%2B00:00", 2),
        ("created_from=2026-03-02T07:59:59.999999+08:00", 2),
        ("created_from=2026-03-02T07:59:59.999999%2008:00", 2),
        ("created_from=2026-03-02T07:59:59.999999%200800", 2),
        ("created_from=2026-03-02%2007:59:59.999999%2008:00", 2),
        ("created_from=2026-03-02%2000:00", 1),
        ("created_to=2026-03-01%2008:00:00%2008:00", 2),
    ],
)
async def test_a_time_means_what_it_says(api, path, query, rows):
    assert await count(api, path, query) == rows


@pytest.mark.parametrize(
    "moment", ["2026-03-01%20", "2026-03-01T00:00%20%2008:00", "2026-02-30", "2026-03-01T00:00%20x"]
)
async def test_a_time_that_is_none(api, moment):
    answer = await api.http.get(f"/rebalance/proposals?created_to={moment}")
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert [item["loc"] for item in problem["detail"]] == [["query", "created_to"]]


async def test_a_correlation_id_has_no_blank_either(api):
    await api.submit(a_body(), **{"X-Correlation-Id": "a+b"})
    for written in ("a+b", "a%2Bb", "a%20b"):
        assert await count(api, "/operations", f"correlation_id={written}") == 1

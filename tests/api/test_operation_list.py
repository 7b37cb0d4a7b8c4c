"""The list of operations: filters, pages, cursors, and what is none."""

import asyncio
from functools import partial
from itertools import combinations

import answers
import psycopg
import pytest
from answers import assert_problem
from builders import a_body
from operation_rows import insert_operations

from api.operation_status import AsyncStatus


@pytest.fixture
def operations(database_dsn) -> list[dict]:
    return insert_operations(database_dsn, 120)


@pytest.fixture(scope="module")
def operations_of_module(database_of_module) -> list[dict]:
    return insert_operations(database_of_module, 120)


every_page = partial(answers.every_page, path="/operations", cursor_is="operation_id")
FILTERS = {
    "status": "FAILED",
    "operation_type": "CREATE_PROPOSAL",
    "correlation_id": "corr_1",
    "proposal_id": "pp_1",
    "created_by": "advisor_1",
}


async def test_an_item_is_an_async_status_without_its_result(api, worker):
    operation_id = (await api.submit(a_body())).json()["operation_id"]
    await api.finished(operation_id)
    (item,) = await every_page(api)
    read = (await api.get(f"/operations/{operation_id}", include_result="false")).json()
    assert item == read
    assert set(AsyncStatus.model_fields) - set(item) == {"result"}


@pytest.mark.shared
@pytest.mark.parametrize("limit", [1, 7, 20, 100])
async def test_pages_are_the_whole_list_in_order(api, operations_of_module, limit):
    items = await every_page(api, limit=limit)
    assert [item["operation_id"] for item in items] == [row["operation_id"] for row in operations_of_module]


@pytest.mark.shared
@pytest.mark.parametrize("names", [names for count in range(6) for names in combinations(FILTERS, count)])
async def test_filters_combine(api, operations_of_module, names):
    operations = operations_of_module
    bounds = {"created_from": operations[110]["created_at"], "created_to": operations[5]["created_at"]}
    expected = [
        row["operation_id"]
        for row in operations
        if all(row[name] == FILTERS[name] for name in names)
        and bounds["created_from"] <= row["created_at"] <= bounds["created_to"]
    ]
    limit = max(1, len(expected) // 3)  # several pages, however few are left
    items = await every_page(api, limit=limit, **{name: FILTERS[name] for name in names}, **bounds)
    assert [item["operation_id"] for item in items] == expected


RUN = "UPDATE operations SET status = 'RUNNING', started_at = now() WHERE operation_id = %s"
PURGE = """
WITH gone AS (DELETE FROM operations WHERE operation_id = %s RETURNING *)
INSERT INTO expired_operations
SELECT operation_id, operation_type, 'FAILED', client, NULL, correlation_id, idempotency_key, NULL, NULL, created_at,
    created_at, created_at
FROM gone
"""


async def test_a_cursor_whose_row_left_the_filter_or_was_purged_still_works(api, operations, database_dsn):
    def change(statement: str, operation_id: str) -> None:
        with psycopg.connect(database_dsn) as connection:
            connection.execute(statement, [operation_id])

    pending = [row["operation_id"] for row in operations if row["status"] == "PENDING"]
    cursor = {}
    for number, statement in enumerate((RUN, PURGE, RUN)):
        page = (await api.get("/operations", status="PENDING", limit=2, **cursor)).json()
        assert [item["operation_id"] for item in page["items"]] == pending[2 * number : 2 * number + 2]
        cursor = {"cursor": page["next_cursor"]}
        await asyncio.to_thread(change, statement, page["next_cursor"])  # this loop's API may hold the row


async def test_what_is_no_cursor_of_this_list_is_refused(api, operations, database_dsn):
    (other,) = insert_operations(database_dsn, 1, client="another")
    for cursor in ("pop_0", "pp_0", other["operation_id"], "x" * 300):
        assert_problem(await api.get("/operations", cursor=cursor), 422, "CURSOR_INVALID")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "x"),
        ("status", "DONE"),
        ("operation_type", "DELETE"),
        ("created_from", "yesterday"),
        ("created_to", "17"),
        ("correlation_id", "a\x00b"),
    ],
)
async def test_a_bad_parameter_is_named(api, name, value):
    answer = await api.get("/operations", **{name: value})
    assert_problem(answer, 422, "VALIDATION_FAILED")
    assert answer.json()["detail"][0]["loc"] == ["query", name]

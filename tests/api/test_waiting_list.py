"""The reviewers' queue (R42): `order=waiting`, its cursors, and `waiting_since`; filters with several values."""

import asyncio
from itertools import combinations

import psycopg
import pytest
from answers import assert_problem, every_page
from builders import a_body
from operation_rows import insert_operations
from proposal_rows import insert_proposals

WAITING = {"order": "waiting"}
POSITIONS = "SELECT proposal_id, last_event_at FROM proposals ORDER BY last_event_at, proposal_id"
SUBMISSION = {"event_type": "SUBMITTED_FOR_RISK_REVIEW", "actor_id": "a", "expected_state": "DRAFT"}
TOUCH = "UPDATE proposals SET last_event_at = now() WHERE proposal_id = %s"


@pytest.fixture
def proposals(database_dsn) -> list[dict]:
    return in_order(database_dsn, insert_proposals(database_dsn, 60))


def in_order(dsn: str, rows: list[dict]) -> list[dict]:
    """The rows as the queue has them; some share a moment."""
    named = {row["proposal_id"]: row for row in rows}
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "UPDATE proposals SET last_event_at = date_trunc('minute', last_event_at + interval '1 minute')"
        )
        found = connection.execute(POSITIONS).fetchall()
    assert len({moment for _, moment in found}) < len(found)
    return [named[proposal_id] for proposal_id, _ in found]


def execute(dsn: str, statement: str, *parameters: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(statement, parameters)


async def queue_of(api, **query) -> list[str]:
    return [item["proposal_id"] for item in await every_page(api, **WAITING, **query)]


@pytest.mark.parametrize("limit", [1, 7, 60, 100])
async def test_pages_are_the_whole_queue_in_order(api, proposals, limit):
    assert await queue_of(api, limit=limit) == [row["proposal_id"] for row in proposals]


FILTERS = {
    "portfolio_id": ("pf_1",),
    "state": ("DRAFT", "EXECUTED", "DRAFT", "NOWHERE"),
    "created_by": ("advisor_2",),
}
COLUMNS = {"state": "current_state"}


@pytest.mark.parametrize("names", [names for count in range(4) for names in combinations(FILTERS, count)])
async def test_filters_combine(api, proposals, names):
    moments = sorted(row["created_at"] for row in proposals)
    bounds = {"created_from": moments[5], "created_to": moments[50]}
    expected = [
        row["proposal_id"]
        for row in proposals
        if all(row[COLUMNS.get(name, name)] in FILTERS[name] for name in names)
        and moments[5] <= row["created_at"] <= moments[50]
    ]
    assert await queue_of(api, limit=3, **{name: list(FILTERS[name]) for name in names}, **bounds) == expected
    assert expected


async def test_unknown_states_alone_have_an_empty_page(api, proposals):
    for order in ({}, WAITING):
        page = (await api.get("", state=["NOWHERE", "", "draft"], **order)).json()
        assert page == {"items": [], "next_cursor": None}


async def test_a_proposal_that_moves_on_hides_no_other(api, proposals, database_dsn):
    """The row of the cursor itself goes to the end while its reader pages on."""
    expected = [row["proposal_id"] for row in proposals]
    seen, cursor = [], {}
    for _ in range(3):
        page = (await api.get("", **WAITING, limit=5, **cursor)).json()
        seen += [item["proposal_id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
        await asyncio.to_thread(execute, database_dsn, TOUCH, seen[-1])
    rest = []
    while cursor["cursor"] is not None:
        page = (await api.get("", **WAITING, limit=100, **cursor)).json()
        rest += [item["proposal_id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert seen == expected[:15]
    assert rest == [*expected[15:], seen[4], seen[9], seen[14]]


async def test_a_cursor_is_of_its_order_its_filters_and_its_client(api, proposals, database_dsn):
    insert_proposals(database_dsn, 3, client="another")
    queue = (await api.get("", **WAITING, limit=1, state=["DRAFT", "EXECUTED"])).json()["next_cursor"]
    newest = (await api.get("", limit=1)).json()["next_cursor"]
    same = {"state": ["EXECUTED", "DRAFT", "DRAFT"], **WAITING}
    assert (await api.get("", **same, cursor=queue, limit=7)).status_code == 200
    tampered = [queue.replace("waiting-", "waiting-9999999999"), queue[:-1] + ("0" if queue[-1] != "0" else "1")]
    for query in (
        {"cursor": queue, "state": ["DRAFT", "EXECUTED"]},
        {"cursor": queue, **WAITING},
        {"cursor": queue, **WAITING, "state": "DRAFT"},
        {"cursor": queue, **same, "created_by": "advisor_1"},
        {"cursor": newest, **WAITING},
        *({"cursor": cursor, **same} for cursor in ("", "pp_0", "waiting-1-pp_0-0", *tampered)),
    ):
        assert_problem(await api.get("", **query), 422, "CURSOR_INVALID")


async def test_an_unknown_order(api):
    answer = await api.get("", order="oldest")
    assert_problem(answer, 422, "VALIDATION_FAILED")
    assert [(item["type"], item["loc"]) for item in answer.json()["detail"]] == [("enum", ["query", "order"])]


async def summary_of(api, proposal_id: str) -> dict:
    """From every answer that has one, in which it must be the same."""
    listed = (await api.get("")).json()["items"] + (await api.get("", **WAITING)).json()["items"]
    summaries = [item for item in listed if item["proposal_id"] == proposal_id]
    assert len(summaries) == 2
    summaries += [(await api.get(f"/{proposal_id}{path}")).json()["proposal"] for path in ("", "/lineage")]
    assert all(summary == summaries[0] for summary in summaries)
    return summaries[0]


@pytest.mark.parametrize("binding", [False, True])
async def test_a_state_begins_with_the_event_that_led_to_it(settings, serve, worker, binding):
    """A new version begins none, unless it puts a proposal under review back to DRAFT."""
    async with serve(settings.model_copy(update={"strict_version_binding": binding})) as api:
        created = await api.created()
        proposal_id = created["proposal"]["proposal_id"]
        drafted = created["latest_workflow_event"]["occurred_at"]
        assert created["proposal"]["waiting_since"] == drafted

        async def new_version() -> dict:
            answer = await api.post(f"/{proposal_id}/versions", a_body())
            while answer.status_code == 202:
                operation = await api.finished(answer.json()["operation_id"])
                assert operation["status"] == "SUCCEEDED"
                return operation["result"]
            assert answer.status_code == 200, answer.text
            return answer.json()

        second = await new_version()
        summary = await summary_of(api, proposal_id)
        assert second["proposal"]["waiting_since"] == summary["waiting_since"] == drafted < summary["last_event_at"]
        submitted = await api.post(f"/{proposal_id}/transitions", {**SUBMISSION, "related_version_no": 2})
        under_review = submitted.json()["latest_workflow_event"]["occurred_at"]
        assert (await summary_of(api, proposal_id))["waiting_since"] == under_review
        third = await new_version()
        began = third["latest_workflow_event"]["occurred_at"] if binding else under_review
        assert third["proposal"]["waiting_since"] == began
        assert (await summary_of(api, proposal_id))["waiting_since"] == began
        operations = (await api.get("/operations", operation_type="CREATE_PROPOSAL_VERSION")).json()["items"]
        results = [(await api.finished(item["operation_id"]))["result"]["proposal"] for item in operations]
        assert [result["waiting_since"] for result in results] == [began, drafted]  # what ended stays as it ended


@pytest.mark.parametrize(
    "query",
    [
        {"status": ["FAILED", "RUNNING"]},
        {"status": ["FAILED", "FAILED", "PENDING"], "created_by": "advisor_1"},
        {"operation_type": ["CREATE_PROPOSAL", "CREATE_PROPOSAL_VERSION"], "status": ["FAILED"]},
        {"status": ["FAILED", "SUCCEEDED"], "correlation_id": "corr_1"},
        {"status": ["FAILED", "SUCCEEDED"], "proposal_id": "pp_1"},
    ],
)
async def test_operations_of_any_of_several(api, database_dsn, query):
    operations = insert_operations(database_dsn, 120)
    expected = [
        row["operation_id"]
        for row in operations
        if all(row[name] in (value if isinstance(value, list) else [value]) for name, value in query.items())
    ]
    found, cursor = [], {}
    while cursor != {"cursor": None}:
        page = (await api.get("/operations", limit=4, **query, **cursor)).json()
        found += [item["operation_id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert found == expected
    assert expected


async def test_proposals_of_any_of_several_states_newest_first(api, database_dsn):
    rows = insert_proposals(database_dsn, 60)
    found, cursor = [], {}
    while cursor != {"cursor": None}:
        page = (await api.get("", limit=4, state=["RISK_REVIEW", "DRAFT"], **cursor)).json()
        found += [item["proposal_id"] for item in page["items"]]
        assert page["next_cursor"] in (None, found[-1])
        cursor = {"cursor": page["next_cursor"]}
    assert found == [row["proposal_id"] for row in rows if row["current_state"] in ("RISK_REVIEW", "DRAFT")]

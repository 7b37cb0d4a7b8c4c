"""The list of proposals: filters, pages, cursors, and what is none."""

from functools import partial
from itertools import combinations

import answers
import pytest
from answers import assert_problem
from proposal_rows import insert_proposals


@pytest.fixture
def proposals(database_dsn) -> list[dict]:
    return insert_proposals(database_dsn, 60)


every_page = partial(answers.every_page, cursor_is="proposal_id")
FILTERS = {"portfolio_id": "pf_1", "state": "DRAFT", "created_by": "advisor_2"}
COLUMNS = {"state": "current_state"}


async def test_a_page_is_twenty_of_the_newest(api, proposals):
    page = (await api.get("")).json()
    assert [item["proposal_id"] for item in page["items"]] == [row["proposal_id"] for row in proposals[:20]]
    assert list(page["items"][0]) == [
        *("proposal_id", "portfolio_id", "mandate_id", "jurisdiction", "created_by", "created_at", "last_event_at"),
        *("current_state", "current_version_no", "title", "waiting_since"),
    ]


@pytest.mark.parametrize("limit", [1, 7, 20, 60, 100])
async def test_pages_are_the_whole_list_in_order(api, proposals, limit):
    items = await every_page(api, limit=limit)
    assert [item["proposal_id"] for item in items] == [row["proposal_id"] for row in proposals]


@pytest.mark.parametrize("names", [names for count in range(4) for names in combinations(FILTERS, count)])
async def test_filters_combine(api, proposals, names):
    expected = [
        row["proposal_id"]
        for row in proposals
        if all(row[COLUMNS.get(name, name)] == FILTERS[name] for name in names)
        and proposals[50]["created_at"] <= row["created_at"] <= proposals[5]["created_at"]
    ]
    bounds = {"created_from": proposals[50]["created_at"], "created_to": proposals[5]["created_at"]}
    items = await every_page(api, limit=3, **{name: FILTERS[name] for name in names}, **bounds)
    assert [item["proposal_id"] for item in items] == expected
    assert expected


async def test_bounds_without_an_offset_are_utc_and_inclusive(api, proposals):
    moment = proposals[10]["created_at"]
    same = [row["proposal_id"] for row in proposals if row["created_at"] == moment]
    for text in (moment, moment.replace("+00:00", ""), moment.replace("+00:00", "Z")):
        items = await every_page(api, created_from=text, created_to=text)
        assert [item["proposal_id"] for item in items] == same


async def test_an_unknown_state_has_an_empty_page(api, proposals):
    assert (await api.get("", state="NOWHERE")).json() == {"items": [], "next_cursor": None}


async def test_a_cursor_whose_row_has_left_the_filter_still_works(api, proposals):
    other = next(row for row in proposals if row["current_state"] != "DRAFT")
    items = await every_page(api, state="DRAFT", cursor=other["proposal_id"])
    after = proposals[proposals.index(other) + 1 :]
    assert [item["proposal_id"] for item in items] == [
        row["proposal_id"] for row in after if row["current_state"] == "DRAFT"
    ]


@pytest.mark.parametrize("cursor", ["pp_0", "pop_1", "", "x" * 1000, "' OR 1=1", "foreign"])
async def test_a_cursor_that_is_none(api, database_dsn, cursor):
    if cursor == "foreign":
        cursor = insert_proposals(database_dsn, 1, client="another")[0]["proposal_id"]
    assert_problem(await api.get("", cursor=cursor), 422, "CURSOR_INVALID")


async def test_proposals_of_other_clients_are_not_there(api, database_dsn):
    foreign = insert_proposals(database_dsn, 1, client="another")[0]["proposal_id"]
    assert (await api.get("")).json()["items"] == []
    assert_problem(await api.get(f"/{foreign}"), 404, "PROPOSAL_NOT_FOUND")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%2B10", "limit"),
        ("limit=%2010", "limit"),
        ("limit=10%0A", "limit"),
        ("limit=10.0", "limit"),
        ("limit=%EF%BC%91%EF%BC%90", "limit"),
        ("created_from=yesterday", "created_from"),
        ("created_from=0.5", "created_from"),
        ("created_to=-7", "created_to"),
        ("created_to=1.5e-3", "created_to"),
        ("created_to=0001-01-01T00:00:00%2B14:00", "created_to"),
        ("created_from=9999-12-31T23:59:59-14:00", "created_from"),
        ("portfolio_id=%00", "portfolio_id"),
        ("created_by=a%00", "created_by"),
        ("state=%00", "state"),
        ("cursor=%00", "cursor"),
    ],
)
async def test_a_query_that_is_none(api, query, name):
    problem = assert_problem(await api.http.get(f"/rebalance/proposals?{query}"), 422, "VALIDATION_FAILED")
    assert problem["detail"][0]["loc"] == ["query", name]

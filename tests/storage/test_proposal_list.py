"""The plan of every list: ordered index scans from where the page begins, of a page's rows each."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import psycopg
import pytest
from proposal_rows import insert_proposals

from domain.proposal import ProposalState
from storage.keyset import filter_parameters
from storage.proposal_list import CONDITIONS, ProposalFilter, page_statement
from storage.waiting_list import waiting_parameters, waiting_statement

LIMIT = 21
VALUES: dict[str, Any] = {
    "portfolio_id": "pf_1",
    "current_state": (ProposalState.DRAFT,),
    "created_by": "advisor_1",
    "created_from": datetime(2026, 1, 1, 0, 5, tzinfo=UTC),
    "created_to": datetime(2026, 1, 1, 2, tzinfo=UTC),
}
PAGE = {"client": "local", "limit": LIMIT, "after_id": "pp_5"}
PAGE |= {name: datetime(2026, 1, 1, 1, 30, tzinfo=UTC) for name in ("after_created_at", "after_last_event_at")}
SEVERAL = (ProposalState.DRAFT, ProposalState.RISK_REVIEW)


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Without what looks up when a shown row's state began."""
    inner = [child for child in plan.get("Plans", ()) if child["Parent Relationship"] != "SubPlan"]
    return [plan, *(node for child in inner for node in nodes(child))]


def planned(connection: psycopg.Connection, statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    explained = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters).fetchone()
    assert explained is not None
    return nodes(explained[0][0]["Plan"])


def rows_read(plan: list[dict[str, Any]]) -> float:
    scans = [node for node in plan if "Relation Name" in node]
    assert {node["Node Type"] for node in scans} == {"Index Scan"}, scans
    return sum(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) for node in scans)


def filters(names: list[str]) -> Iterator[ProposalFilter]:
    for count in range(len(names) + 1):
        for combination in combinations(names, count):
            yield ProposalFilter(**{name: VALUES[name] for name in combination})


@pytest.fixture(scope="module")
def dsn_of_many(database_of_module) -> str:
    insert_proposals(database_of_module, 20_000, portfolios=5, advisors=7)
    with psycopg.connect(database_of_module) as connection:
        connection.execute("ANALYZE proposals")
    return database_of_module


@pytest.mark.parametrize("is_first", [True, False])
def test_no_set_of_filters_sorts_or_reads_what_it_does_not_show(dsn_of_many, is_first):
    cursor = None if is_first else "pp_5"
    with psycopg.connect(dsn_of_many) as connection:
        for narrowed in filters([*VALUES]):
            parameters = filter_parameters(narrowed, CONDITIONS) | PAGE
            plan = planned(connection, page_statement(narrowed, cursor), parameters)
            assert rows_read(plan) == LIMIT, (narrowed, plan)
            assert narrowed.current_state or [node["Node Type"] for node in plan] == ["Limit", "Index Scan"], narrowed


@pytest.mark.parametrize("states", [SEVERAL, None], ids=["several", "all"])
@pytest.mark.parametrize("is_first", [True, False])
def test_the_queue_reads_no_more_than_a_page_of_each_state(dsn_of_many, is_first, states):
    """Of `created_to` it may skip more, where proposals that are older than it had a later event."""
    cursor = None if is_first else "pp_5"
    with psycopg.connect(dsn_of_many) as connection:
        for given in filters(["portfolio_id", "created_by"]):
            narrowed = ProposalFilter(
                portfolio_id=given.portfolio_id, created_by=given.created_by, current_state=states
            )
            plan = planned(connection, waiting_statement(narrowed, cursor), waiting_parameters(narrowed) | PAGE)
            assert LIMIT <= rows_read(plan) <= LIMIT * len(states or ProposalState), (narrowed, plan)
            newest = ProposalFilter(portfolio_id=given.portfolio_id, created_by=given.created_by, current_state=SEVERAL)
            parameters = filter_parameters(newest, CONDITIONS) | PAGE
            assert rows_read(planned(connection, page_statement(newest, cursor), parameters)) <= LIMIT * len(SEVERAL)


def test_when_a_state_began_is_one_look_into_an_index(database_dsn):
    """Also after many versions that left the state as it was."""
    insert_proposals(database_dsn, 3)
    with psycopg.connect(database_dsn) as connection:
        connection.execute(
            "INSERT INTO workflow_events (event_id, proposal_id, sequence, event_type, from_state, to_state, actor_id, "
            "occurred_at, reason, previous_event_hash, event_hash) SELECT md5(proposal_id || n), proposal_id, n, "
            "'NEW_VERSION_CREATED', current_state, current_state, 'a', now(), '{}', '', '' "
            "FROM proposals, generate_series(2, 3000) n"
        )
        connection.execute("UPDATE proposals SET event_count = 3000")
        connection.execute("ANALYZE workflow_events")
        explained = connection.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {page_statement(ProposalFilter(), None)}", {"client": "local", "limit": 3}
        ).fetchone()
        (subplan,) = explained[0][0]["Plan"]["Plans"][0]["Plans"]
        assert subplan["Parent Relationship"] == "SubPlan"
        scan = nodes(subplan)[-1]
        assert (scan["Index Name"], scan.get("Rows Removed by Filter", 0)) == ("workflow_events_of_states", 0)

"""The plan of every list: one index scan from where the page begins, no sort, no row read that is not shown."""

from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import psycopg
import pytest
from proposal_rows import insert_proposals

from storage.proposal_list import CONDITIONS, ProposalFilter, page_statement

LIMIT = 21
VALUES: dict[str, Any] = {
    "portfolio_id": "pf_1",
    "current_state": "DRAFT",
    "created_by": "advisor_1",
    "created_from": datetime(2026, 1, 1, 0, 5, tzinfo=UTC),
    "created_to": datetime(2026, 1, 1, 2, tzinfo=UTC),
}


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]


@pytest.mark.parametrize("is_first", [True, False])
def test_no_set_of_filters_sorts_or_reads_what_it_does_not_show(database_dsn, is_first):
    insert_proposals(database_dsn, 20_000, portfolios=5, advisors=7)
    with psycopg.connect(database_dsn) as connection:
        connection.execute("ANALYZE proposals")
        for count in range(len(VALUES) + 1):
            for names in combinations(VALUES, count):
                narrowed = ProposalFilter(**{name: VALUES[name] for name in names})
                parameters = {name: getattr(narrowed, name) for name in CONDITIONS} | {
                    "client": "local",
                    "limit": LIMIT,
                    "after_created_at": datetime(2026, 1, 1, 1, 30, tzinfo=UTC),
                    "after_id": "pp_5",
                }
                explained = connection.execute(
                    f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {page_statement(narrowed, None if is_first else 'pp_5')}",
                    parameters,
                ).fetchone()
                assert explained is not None
                plan = nodes(explained[0][0]["Plan"])
                assert [node["Node Type"] for node in plan] == ["Limit", "Index Scan"], names
                assert plan[1].get("Rows Removed by Filter", 0) == 0, (names, plan[1])
                assert plan[1]["Actual Rows"] == LIMIT, names

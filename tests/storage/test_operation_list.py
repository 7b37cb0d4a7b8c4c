"""The plan of every list of operations: ordered index scans that stop with the page, whatever is asked for."""

from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import psycopg
import pytest
from operation_rows import insert_operations

from domain.operation import OperationStatus, OperationType
from storage.keyset import filter_parameters
from storage.operation_list import CONDITIONS, OperationFilter, page_statement

LIMIT = 21
VALUES: dict[str, Any] = {
    "status": (OperationStatus.FAILED,),
    "operation_type": (OperationType.CREATE_PROPOSAL,),
    "correlation_id": "corr_11",
    "proposal_id": "pp_11",
    "created_by": "advisor_1",
    "created_from": datetime(2026, 1, 1, 0, 5, tzinfo=UTC),
    "created_to": datetime(2026, 1, 1, 2, tzinfo=UTC),
}
COMBINATIONS = len(OperationStatus) * len(OperationType)


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]


def rows_read(plan: list[dict[str, Any]]) -> int:
    return sum(
        node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
        for node in plan
        if node["Node Type"].endswith("Scan") and "Relation Name" in node
    )


SEVERAL = {
    "status": (OperationStatus.FAILED, OperationStatus.RUNNING),
    "operation_type": (OperationType.CREATE_PROPOSAL, OperationType.CREATE_PROPOSAL_VERSION),
}


@pytest.fixture(scope="module")
def dsn_of_many(database_of_module) -> str:
    insert_operations(database_of_module, 20_000, correlations=1000, proposals=1000, advisors=7)
    with psycopg.connect(database_of_module) as connection:
        connection.execute("ANALYZE operations")
    return database_of_module


@pytest.mark.parametrize("values", [VALUES, VALUES | SEVERAL], ids=["one", "several"])
@pytest.mark.parametrize("is_first", [True, False])
def test_no_set_of_filters_reads_the_table(dsn_of_many, is_first, values):
    """At most a page for each pair of type and status; of a correlation id or proposal at most what it has."""
    with psycopg.connect(dsn_of_many) as connection:
        for count in range(len(VALUES) + 1):
            for names in combinations(VALUES, count):
                narrowed = OperationFilter(**{name: values[name] for name in names})
                parameters = filter_parameters(narrowed, CONDITIONS) | {
                    "client": "local",
                    "limit": LIMIT,
                    "after_created_at": datetime(2026, 1, 1, 1, 30, tzinfo=UTC),
                    "after_id": "pop_5",
                }
                statement = page_statement(narrowed, None if is_first else "pop_5")
                explained = connection.execute(
                    f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters
                ).fetchone()
                assert explained is not None
                plan = nodes(explained[0][0]["Plan"])
                assert "Seq Scan" not in [node["Node Type"] for node in plan], names
                assert rows_read(plan) <= COMBINATIONS * LIMIT, (names, rows_read(plan))

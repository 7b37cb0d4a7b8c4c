"""What runs every second or ten reads what it takes, however many operations are open."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from operation_rows import insert_operations

from storage import workflow_starts
from storage.operations import SELECT_OPERATION

STATEMENTS = {
    "reconcile": (workflow_starts.TAKE_STALLED, {"idle": timedelta(seconds=30), "limit": 200}, 200),
    "reconcile's starts": (workflow_starts.TAKE_WAITING, {"idle": timedelta(seconds=30), "limit": 100}, 200),
    "cancels": (workflow_starts.SELECT_TO_CANCEL, {"idle": timedelta(seconds=5), "limit": 200}, 0),
    "starter": (workflow_starts.CLAIM_OPERATIONS, {"limit": 100}, 200),
    "window": (workflow_starts.COUNT_STARTED, {"most": 300}, 0),
    "poll": (SELECT_OPERATION, {"operation_id": "pop_0"}, 0),
}


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]


@pytest.fixture(scope="module")
def dsn_of_many(database_of_module) -> str:
    insert_operations(database_of_module, 25_000)  # two fifths of them are open
    with psycopg.connect(database_of_module) as connection:
        connection.execute("ANALYZE operations")
    return database_of_module


@pytest.mark.parametrize("name", STATEMENTS)
def test_at_ten_thousand_open_operations_nothing_reads_the_table(dsn_of_many, name):
    statement, parameters, taken = STATEMENTS[name]
    with psycopg.connect(dsn_of_many) as connection, connection.transaction(force_rollback=True):
        row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).fetchone()
        assert row is not None
        plan = nodes(row[0][0]["Plan"])
    scans = [node for node in plan if node["Node Type"].endswith("Scan") and node.get("Relation Name") == "operations"]
    assert "Seq Scan" not in [node["Node Type"] for node in scans]
    read = max(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) for node in scans)
    assert read <= max(taken, 1)

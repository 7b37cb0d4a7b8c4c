"""Whose operation is started next: each client has its turn, however many another one has submitted."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from operation_rows import add_waiting, insert_waiting

from storage.unit_of_work import Storage
from storage.workflow_starts import CLAIM_OPERATIONS, TAKE_WAITING

MINUTE = timedelta(minutes=1)


async def claimed(storage: Storage, *, limit: int) -> list[str]:
    async with storage.autocommit() as transaction:
        rows = await transaction.operation_starts.claim_unstarted(limit=limit)
    return [row.correlation_id for row in rows]


async def test_clients_take_turns_and_each_begins_with_its_oldest(storage: Storage, database_dsn):
    insert_waiting(database_dsn, "a", 5, age=3 * MINUTE)
    insert_waiting(database_dsn, "b", 2, age=2 * MINUTE)
    insert_waiting(database_dsn, "c", 1)
    assert await claimed(storage, limit=100) == ["a_1", "b_1", "c_1", "a_2", "b_2", "a_3", "a_4", "a_5"]


async def test_one_by_one_they_take_turns_as_well(storage: Storage, database_dsn):
    insert_waiting(database_dsn, "a", 50, age=3 * MINUTE)
    insert_waiting(database_dsn, "b", 2)
    order = [(await claimed(storage, limit=1))[0] for _ in range(6)]
    assert order == ["a_1", "b_1", "a_2", "b_2", "a_3", "a_4"]


async def test_one_operation_goes_before_the_five_thousand_of_another_client(storage: Storage, database_dsn):
    insert_waiting(database_dsn, "a", 5000, age=3 * MINUTE)
    for number in range(3):
        assert await claimed(storage, limit=1) == [f"a_{number + 1}"]
    insert_waiting(database_dsn, "b")
    assert await claimed(storage, limit=1) == ["b_1"]


async def test_a_client_whose_turn_was_long_ago_goes_before_those_that_have_just_had_theirs(
    storage: Storage, database_dsn
):
    for client in ("a", "b", "c"):
        insert_waiting(database_dsn, client, 10, age=3 * MINUTE)
    assert await claimed(storage, limit=2) == ["a_1", "b_1"]
    assert await claimed(storage, limit=2) == ["c_1", "a_2"]
    assert await claimed(storage, limit=2) == ["b_2", "c_2"]


async def test_within_a_client_small_ones_go_before_large_ones(storage: Storage, database_dsn):
    insert_waiting(database_dsn, "a", 2, age=3 * MINUTE, is_large=True, name="-large")
    insert_waiting(database_dsn, "a", 2, age=MINUTE)
    insert_waiting(database_dsn, "b", 2, age=2 * MINUTE, is_large=True, name="-large")
    order = await claimed(storage, limit=100)
    assert [row for row in order if row[0] == "a"] == ["a_1", "a_2", "a-large_1", "a-large_2"]
    assert order.index("b-large_1") < order.index("a_2")  # whose large ones are no reason for b to wait


async def test_a_large_one_gives_way_for_ten_minutes_and_not_for_ever(storage: Storage, database_dsn):
    insert_waiting(database_dsn, "a", 1, age=12 * MINUTE, is_large=True, name="-large")
    insert_waiting(database_dsn, "a", 2, age=3 * MINUTE, name="-fresh")
    insert_waiting(database_dsn, "a", 1, age=1 * MINUTE, name="-fresher")
    insert_waiting(database_dsn, "a", 1, age=11 * MINUTE, name="-old")
    assert await claimed(storage, limit=9) == ["a-old_1", "a-fresh_1", "a-fresh_2", "a-large_1", "a-fresher_1"]


async def test_what_another_process_has_claimed_keeps_no_client_from_its_turn(storage: Storage, database_dsn):
    insert_waiting(database_dsn, "a", 4)
    insert_waiting(database_dsn, "b", 4)
    async with storage.transaction() as other:
        rows = await other.operation_starts.claim_unstarted(limit=2)
        assert [row.correlation_id for row in rows] == ["a_1", "b_1"]
        with psycopg.connect(database_dsn, autocommit=True) as connection:
            connection.execute("SET statement_timeout = '2s'")
            locked = connection.execute(
                "SELECT correlation_id FROM operations ORDER BY correlation_id FOR UPDATE SKIP LOCKED"
            ).fetchall()
        assert [one for (one,) in locked] == [f"{c}_{n}" for c in "ab" for n in (2, 3, 4)]
    assert await claimed(storage, limit=2) == ["a_2", "b_2"]


async def test_reconcile_takes_turns_too(storage: Storage, database_dsn):
    insert_waiting(database_dsn, "a", 300, age=3 * MINUTE)
    insert_waiting(database_dsn, "b", 1, age=2 * MINUTE)
    insert_waiting(database_dsn, "c", 1, age=timedelta(seconds=5))
    async with storage.autocommit() as transaction:
        rows = await transaction.operation_starts.take_waiting(idle=timedelta(seconds=30), limit=3)
        assert [row.correlation_id for row in rows] == ["a_1", "b_1", "a_2"]
        rows = await transaction.operation_starts.take_waiting(idle=timedelta(seconds=30), limit=1)
        assert [row.correlation_id for row in rows] == ["a_3"]  # the others count as moved


def scans(connection: psycopg.Connection, statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
        return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]

    with connection.transaction(force_rollback=True):  # both statements update what they take
        row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).fetchone()
    assert row is not None
    found = nodes(row[0][0]["Plan"])
    return [node for node in found if node["Node Type"].endswith("Scan") and node.get("Relation Name") == "operations"]


@pytest.mark.parametrize(("clients", "each"), [(1, 12_000), (20, 600), (200, 60)])
def test_twelve_thousand_that_wait_are_not_read_to_find_the_next(database_dsn, clients, each):
    with psycopg.connect(database_dsn) as connection:
        for client in range(clients):
            add_waiting(connection, f"client-{client}", each)
        connection.execute("ANALYZE operations")
        for statement, more in ((CLAIM_OPERATIONS, {}), (TAKE_WAITING, {"idle": timedelta(seconds=30)})):
            read = scans(connection, statement, {"limit": 40} | more)
            assert {node["Node Type"] for node in read} <= {"Index Scan", "Index Only Scan"}
            rows = [
                node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) for node in read
            ]
            assert sum(rows) <= 2 * 40 + clients + (2 * 40 / 2) ** 2

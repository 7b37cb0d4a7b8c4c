"""Open work as Prometheus sees it: seldom asked for, cheaply, and from memory while PostgreSQL is unavailable."""

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg
import pytest
from batches import BatchSteps, a_portfolio, an_analysis, submitted
from builders import a_storage
from evidence_keys import a_key
from operation_rows import insert_operations
from prometheus_client import CollectorRegistry
from proposal_rows import insert_proposals
from waiting import PATIENCE_SECONDS

from api.http import metrics as backlog_metrics
from api.http.metrics import BacklogMetrics
from domain.errors import OperationCancelled, StorageUnavailable
from domain.operation import OperationFailure
from services import readiness
from services.checkpoints import take_checkpoint
from services.ending import end_failed
from services.readiness import Readiness
from storage.backlog import SELECT_OPEN_OPERATIONS, SELECT_PENDING_DELIVERIES, SELECT_RUNS_REMAINING
from storage.operations import COUNT_OPEN

UNAVAILABLE = Readiness(database="unreachable", temporal="ok", workers="ok", authentication="off")
WELL = Readiness(database="ok", temporal="ok", workers="no_pollers", authentication="off")


class StubReadiness:
    state = WELL

    async def readiness(self) -> Readiness:
        return self.state


class Switch:
    """A database that may be turned off."""

    def __init__(self, database) -> None:
        self._database = database
        self.is_on = True
        self.uses = 0

    @asynccontextmanager
    async def connection(self):
        self.uses += 1
        if not self.is_on:
            raise StorageUnavailable
        async with self._database.connection() as connection:
            yield connection


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog_metrics, "PATIENCE_SECONDS", PATIENCE_SECONDS)


@pytest.fixture
def switch(database) -> Switch:
    return Switch(database)


@pytest.fixture
def registry(switch) -> Iterator[CollectorRegistry]:
    registry = CollectorRegistry()
    registry.backlog = BacklogMetrics(a_storage(switch), StubReadiness())
    registry.register(registry.backlog)
    return registry


def open_operations(registry) -> list[float | None]:
    return [
        registry.get_sample_value("proposals_operations_open", {"status": status}) for status in ("PENDING", "RUNNING")
    ]


async def test_open_operations_are_counted_and_their_ages_grow(registry, database_dsn):
    assert open_operations(registry) == [None, None]
    insert_operations(database_dsn, 40)
    await registry.backlog.refresh()

    assert open_operations(registry) == [8, 8]
    before = registry.get_sample_value("proposals_operation_oldest_pending_seconds")
    await asyncio.sleep(0.01)
    assert before < registry.get_sample_value("proposals_operation_oldest_pending_seconds")
    assert registry.get_sample_value("proposals_delivery_overdue_seconds") == 0
    assert registry.get_sample_value("proposals_dependency_up", {"dependency": "workers"}) == 0


async def test_many_scrapes_are_one_reading(registry, switch, database_dsn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(backlog_metrics, "FRESH_SECONDS", PATIENCE_SECONDS)
    await asyncio.gather(*(registry.backlog.refresh() for _ in range(50)))
    uses = switch.uses
    insert_operations(database_dsn, 40)
    await asyncio.gather(*(registry.backlog.refresh() for _ in range(50)))

    assert switch.uses == uses
    assert open_operations(registry) == [0, 0]


async def test_without_postgresql_the_last_known_is_told_and_then_nothing(
    registry, switch, database_dsn, monkeypatch: pytest.MonkeyPatch
):
    insert_operations(database_dsn, 40)
    await registry.backlog.refresh()
    switch.is_on = False
    monkeypatch.setattr(StubReadiness, "state", UNAVAILABLE)
    monkeypatch.setattr(backlog_metrics, "FRESH_SECONDS", 0)
    await registry.backlog.refresh()
    assert open_operations(registry) == [8, 8]
    assert registry.get_sample_value("proposals_dependency_up", {"dependency": "database"}) == 0

    monkeypatch.setattr(backlog_metrics, "STALE_SECONDS", 0)
    assert open_operations(registry) == [None, None]


async def test_a_scrape_does_not_wait_for_a_slow_database(registry, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(backlog_metrics, "PATIENCE_SECONDS", 0.05)
    slow = asyncio.Event()

    async def never(self: StubReadiness) -> Readiness:
        await slow.wait()
        return WELL

    monkeypatch.setattr(StubReadiness, "readiness", never)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await registry.backlog.refresh()
    slow.set()
    await asyncio.sleep(0.05)


def test_open_work_is_read_from_partial_indexes(database_dsn):
    """Of full tables: what PostgreSQL plans for an empty one depends on whether it was vacuumed."""
    insert_operations(database_dsn, 20_000)
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute("DELETE FROM operations WHERE status <> 'FAILED' AND created_at > '2026-01-01 00:01:00+00'")
        connection.execute(
            "INSERT INTO callback_deliveries (operation_id, status, created_at, finished_at) "
            "SELECT operation_id, 'DELIVERED', now(), now() FROM operations WHERE status = 'FAILED'"
        )
        connection.execute("REINDEX TABLE operations")  # plans depend on the room that deleted rows still take
        connection.execute("VACUUM ANALYZE operations, callback_deliveries")
        plans = [
            "\n".join(row[0] for row in connection.execute(f"EXPLAIN {statement}", parameters).fetchall())
            for statement, parameters in (
                (SELECT_OPEN_OPERATIONS, None),
                (COUNT_OPEN, {"at_most": 10_000}),
                (SELECT_PENDING_DELIVERIES, None),
                (SELECT_RUNS_REMAINING, None),
            )
        ]
    assert "operations_to_reconcile" in plans[0]
    assert "operations_to_reconcile" in plans[1]
    assert "callback_deliveries_to_reconcile" in plans[2]
    assert "operations_open_batches" in plans[3]
    assert "Seq Scan" not in "".join(plans)


async def test_runs_remain_until_their_chunk_is_committed_or_their_batch_has_ended(storage, registry):
    async def remaining() -> float | None:
        registry.backlog._tried_at = float("-inf")
        await registry.backlog.refresh()
        return registry.get_sample_value("proposals_runs_remaining")

    assert await remaining() == 0
    first = await submitted(storage, an_analysis(*(a_portfolio(number) for number in range(60))))
    await submitted(storage, an_analysis(), key="hv-2")
    assert await remaining() == 63
    await BatchSteps(storage).analyze(first.operation_id, seconds=0)
    assert await remaining() == 38
    await end_failed(storage, first.operation_id, OperationFailure.of(OperationCancelled))
    assert await remaining() == 3


async def test_the_age_of_the_last_checkpoint_is_read_from_postgresql(storage, registry, database_dsn):
    async def age() -> float:
        registry.backlog._tried_at = float("-inf")
        await registry.backlog.refresh()
        return registry.get_sample_value("proposals_checkpoint_age_seconds")

    def altered(taken_at: str) -> None:
        with psycopg.connect(database_dsn) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(f"UPDATE evidence_checkpoints SET taken_at = {taken_at}")

    assert await age() < PATIENCE_SECONDS  # nothing is there that a checkpoint could see
    insert_proposals(database_dsn, 2)
    with psycopg.connect(database_dsn) as connection:
        ((first,),) = connection.execute("SELECT created_at FROM proposals ORDER BY proposal_id LIMIT 1").fetchall()
    assert abs(await age() - (datetime.now(UTC) - first).total_seconds()) < PATIENCE_SECONDS
    await take_checkpoint(storage, a_key())
    before = await age()
    assert before < PATIENCE_SECONDS
    await asyncio.sleep(0.01)
    assert before < registry.get_sample_value("proposals_checkpoint_age_seconds")
    altered("now() - interval '4 hours'")
    await take_checkpoint(storage, a_key())
    assert await age() < PATIENCE_SECONDS
    altered("now() - interval '4 hours'")
    assert await age() >= 4 * 3600
    altered("'-infinity'")
    assert await age() == float("inf")
    altered("'infinity'")
    assert await age() == 0


async def test_the_api_serves_its_metrics(api, monkeypatch: pytest.MonkeyPatch):
    for module, limit in ((readiness, "CHECK_SECONDS"), (backlog_metrics, "PATIENCE_SECONDS")):
        monkeypatch.setattr(module, limit, PATIENCE_SECONDS)
    await api.http.get("/rebalance/proposals/pp_of_somebody")
    answer = await api.http.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    for line in (
        'proposals_http_requests_total{method="GET",route="/rebalance/proposals/{proposal_id}",status="404"} 1.0',
        'proposals_dependency_up{dependency="database"} 1.0',
        "proposals_database_available 1.0",
        "proposals_database_pool_size 8.0",
        "proposals_waiters 0.0",
        "proposals_unread_body_bytes 0.0",
        "proposals_large_answer_bytes 0.0",
    ):
        assert line in answer.text

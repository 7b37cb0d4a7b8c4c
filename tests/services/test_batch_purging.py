"""A batch is purged whole, a few chunks at a time, and leaves a tombstone with its counts."""

import asyncio
from collections import Counter
from datetime import timedelta

import psycopg
import pytest
from batches import BatchSteps, a_portfolio, an_analysis, submitted
from purged_rows import purged_after

from domain.errors import OperationCancelled, OperationExpired
from domain.operation import OperationFailure
from services.ending import end_failed
from services.lookup import LookupService
from storage.retention import BOUND_STATEMENTS, PURGE_CHUNKS, PURGE_OPERATIONS
from storage.unit_of_work import Storage

CANCELLED = OperationFailure.of(OperationCancelled)
CHUNKS = 2_000
# Of a batch of 50,000 runs, each with documents of its own.
ADD_CHUNKS = """
WITH made AS (
    SELECT n, 'sha256:' || encode(sha256(('request' || n)::bytea), 'hex') AS request,
        'sha256:' || encode(sha256(('result' || n)::bytea), 'hex') AS result
    FROM generate_series(1, %(chunks)s) n),
requests AS (
    INSERT INTO documents (sha256, kind, content, encoding, size, created_at, seal)
    SELECT request, 'request', convert_to(repeat(md5(n::text), 250), 'UTF8'), 'zstd', 1, now(), '' FROM made),
results AS (
    INSERT INTO documents (sha256, kind, content, encoding, size, created_at, seal)
    SELECT result, 'result', convert_to(repeat(md5(n::text), 3000), 'UTF8'), 'zstd', 1, now(), '' FROM made)
INSERT INTO batch_chunks (operation_id, chunk_no, first_run, runs, request_document, result_document, summaries,
    succeeded, failed, engine_version, done_at)
SELECT %(operation_id)s, n, n * 25, 25, request, result, repeat(md5(n::text), 300), 25, 0, '2.0.0', now() FROM made
"""


def count(dsn: str, table: str) -> int:
    with psycopg.connect(dsn) as connection:
        (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[misc]  # one row
        return int(number)


async def test_a_batch_goes_with_its_chunks_and_documents_and_leaves_its_counts(
    storage: Storage, database_dsn: str
) -> None:
    operation = await submitted(storage, an_analysis(a_portfolio(0), a_portfolio(1, shelf_entries=7)))
    steps = BatchSteps(storage)
    await steps.analyze(operation.operation_id)
    await steps.conclude(operation.operation_id)
    assert count(database_dsn, "documents") == 4
    assert await purged_after(storage, database_dsn, days=29.9) == Counter()
    assert await purged_after(storage, database_dsn, days=0.2) == Counter(batch_chunks=1, operations=1, documents=4)
    assert count(database_dsn, "documents") == 0
    with pytest.raises(OperationExpired) as gone:
        await LookupService(storage).operation(operation.operation_id, client="local")
    said = gone.value.tombstone
    assert (said["operation_type"], said["status"]) == ("ANALYZE_SCENARIOS", "SUCCEEDED")
    assert (said["runs_total"], said["runs_succeeded"], said["runs_failed"]) == (2, 1, 1)


async def test_a_batch_of_fifty_thousand_runs_goes_within_the_limit_of_each_statement(
    storage: Storage, database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.retention.BOUND_STATEMENTS", BOUND_STATEMENTS)  # the service's own
    operation = await submitted(storage, an_analysis())
    with psycopg.connect(database_dsn) as connection:
        connection.execute(ADD_CHUNKS, {"operation_id": operation.operation_id, "chunks": CHUNKS})
    await end_failed(storage, operation.operation_id, CANCELLED)
    removed = await purged_after(storage, database_dsn, days=30.1)
    # What a busy machine does not do within a statement's time is left to the next hour's run.
    for _ in range(20):
        if not count(database_dsn, "documents"):
            break
        removed += await purged_after(storage, database_dsn, days=0)
        await asyncio.sleep(0)
    assert removed == Counter(batch_chunks=CHUNKS + 1, operations=1, documents=2 * CHUNKS + 2)
    for table in ("batch_chunks", "operations", "documents", "documents_to_purge"):
        assert count(database_dsn, table) == 0


def test_chunks_that_are_due_are_found_without_reading_the_table(database_dsn: str) -> None:
    with psycopg.connect(database_dsn) as connection:
        connection.execute("SET enable_seqscan = off")
        plans = [
            "\n".join(
                row[0] for row in connection.execute(f"EXPLAIN {statement}", {"kept": timedelta(days=30), "limit": 50})
            )
            for statement in (PURGE_CHUNKS, PURGE_OPERATIONS)
        ]
    assert "operations_batches_to_purge" in plans[0]
    assert "operations_to_purge" in plans[1]
    assert all("Seq Scan on batch_chunks" not in plan for plan in plans)


async def test_an_open_batch_and_one_whose_callback_is_pending_stay(storage: Storage, database_dsn: str) -> None:
    open_one = await submitted(storage, an_analysis(), key="open")
    calling = await submitted(storage, an_analysis(), key="calling")
    with psycopg.connect(database_dsn) as connection:
        connection.execute(
            "UPDATE operations SET callback_url = 'https://example.org/hook' WHERE operation_id = %s",
            (calling.operation_id,),
        )
    await end_failed(storage, calling.operation_id, CANCELLED)
    assert await purged_after(storage, database_dsn, days=40) == Counter()
    assert count(database_dsn, "batch_chunks") == 2
    assert open_one.operation_id != calling.operation_id

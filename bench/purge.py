"""Purge many expired operations under load: `python -m bench.purge --database URL --owner-database URL`.

It runs beside `make dev`.

The database is filled with operations that ended a year ago; 20 creates a second go on, without and with the purge.
What the purge must not do: make others wait. So the p99 of the creates is compared, and the longest transaction of the
purge is watched from outside.
"""

import argparse
import asyncio
import json
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx2
import psycopg

from bench.load import PREFIX, SAMPLE, milliseconds
from runtime.database import Database
from services.purging import Periods, PurgeService
from storage.unit_of_work import Storage

CREATES_A_SECOND = 20
BASELINE_SECONDS = 20
APPLICATION = "proposals-bench-purge"
PERIODS = Periods(operations=timedelta(days=30), keys=timedelta(days=90))
FILL = """
WITH numbered AS (
    SELECT md5(%(seed)s || n) AS id, 'sha256:' || md5(%(seed)s || n) || md5(n::text) AS document, n
    FROM generate_series(1, %(count)s) n),
stored AS (
    INSERT INTO documents (sha256, kind, content, encoding, size, created_at, seal)
    SELECT document, 'request', convert_to(repeat(id, 40), 'UTF8'), 'zstd', 1280, now() - interval '1 year', ''
    FROM numbered),
keyed AS (
    INSERT INTO idempotency_keys (client, scope, key, request_hash, operation_id, attempt, created_at)
    SELECT 'local', 'proposals', id, document, 'pop_' || id, 1, now() - interval '1 year' FROM numbered)
INSERT INTO operations (operation_id, operation_type, status, client, idempotency_key, attempt, correlation_id,
    request_hash, request_document, portfolio_id, created_by, metadata, policy, is_large, error_code, error_message,
    created_at, updated_at, progress_at, finished_at)
SELECT 'pop_' || id, 'CREATE_PROPOSAL', 'FAILED', 'local', id, 1, 'corr_' || n, document, document, 'pf_1',
    'advisor_' || n %% 50, '{}', '{}', false, 'ProposalInternalError', 'OPERATION_INTERNAL_ERROR', moment, moment,
    moment, moment
FROM numbered, LATERAL (SELECT now() - interval '1 year' + n * interval '1 second' AS moment) m
"""
LONGEST = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM pg_stat_activity
WHERE application_name = %s AND xact_start IS NOT NULL
"""


async def creates(http: httpx2.AsyncClient, took: list[float], stop: asyncio.Event) -> None:
    """Submit at an even pace, however long the answers take."""
    body = json.dumps(SAMPLE).encode()
    pending: set[asyncio.Task[None]] = set()

    async def create() -> None:
        began = time.perf_counter()
        headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
        answer = await http.post(f"{PREFIX}/async", content=body, headers=headers)
        answer.raise_for_status()
        took.append(time.perf_counter() - began)

    due = time.perf_counter()
    while not stop.is_set():
        task = asyncio.create_task(create())
        pending.add(task)
        task.add_done_callback(pending.discard)
        due += 1 / CREATES_A_SECOND
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    await asyncio.gather(*pending)


async def watch(dsn: str, stop: asyncio.Event) -> float:
    """The longest time that a transaction of the purge was seen open, in seconds."""
    longest = 0.0
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while not stop.is_set():
            row = await (await connection.execute(LONGEST, [APPLICATION])).fetchone()
            longest = max(longest, float(row[0]) if row else 0.0)
            await asyncio.sleep(0.005)
    return longest


async def purge(dsn: str) -> tuple[Counter[str], float]:
    removed: Counter[str] = Counter()

    def on_batch(kind: str, count: int) -> None:
        removed[kind] += count

    began = time.perf_counter()
    async with Database(dsn, pool_size=1, application_name=APPLICATION).running() as database:
        while not await PurgeService(Storage(database, on_ended=lambda _: None), PERIODS).run(
            seconds=20, on_batch=on_batch, witness=datetime.now(UTC)
        ):
            pass
    return removed, time.perf_counter() - began


async def measure(url: str, dsn: str, owner_dsn: str, count: int) -> list[tuple[str, str]]:
    async with httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        alone: list[float] = []
        stop = asyncio.Event()
        load = asyncio.create_task(creates(http, alone, stop))
        await asyncio.sleep(BASELINE_SECONDS)
        stop.set()
        await load
        with psycopg.connect(owner_dsn, autocommit=True) as connection:
            connection.execute(FILL, {"seed": uuid.uuid4().hex, "count": count})
            connection.execute("ANALYZE operations, documents, idempotency_keys")
        beside: list[float] = []
        stop = asyncio.Event()
        load = asyncio.create_task(creates(http, beside, stop))
        watching = asyncio.create_task(watch(owner_dsn, stop))
        removed, seconds = await purge(dsn)
        stop.set()
        await load
    p99 = partial(milliseconds, percentile=99)
    return [
        ("removed", ", ".join(f"{number:,} {kind}" for kind, number in removed.items() if number)),
        ("took", f"{seconds:.0f} s"),
        ("longest transaction of the purge", f"{await watching * 1000:.0f} ms"),
        (f"POST async at {CREATES_A_SECOND} a second, p50 / p99, alone", spread(alone)),
        (f"POST async at {CREATES_A_SECOND} a second, p50 / p99, beside the purge", spread(beside)),
        ("  p99 of the first", f"{p99(beside) / p99(alone):.2f} times"),
    ]


def spread(seconds: list[float]) -> str:
    return f"{milliseconds(seconds):.1f} / {milliseconds(seconds, percentile=99):.1f} ms ({len(seconds)} creates)"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.purge", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--database", required=True, help="as the service's role")
    parser.add_argument("--owner-database", required=True, help="as the owner of the tables, to fill them")
    parser.add_argument("--count", type=int, default=100_000)
    asked = parser.parse_args()
    print("| what | measured |\n|---|---|")
    for what, measured in asyncio.run(measure(asked.url, asked.database, asked.owner_database, asked.count)):
        print(f"| {what} | {measured} |")


if __name__ == "__main__":
    main()

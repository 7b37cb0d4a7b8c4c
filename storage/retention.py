"""Removing what has been kept for long enough: each call is one short statement over a few rows.

No request may wait for the purge: the server ends a statement that would hold its locks for longer than the limit, and
the caller asks for fewer rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from psycopg.errors import ForeignKeyViolation, QueryCanceled

from storage.documents import REFERRERS
from storage.expired_operations import EXPIRED_COLUMNS, EXPIRED_VALUES
from storage.rows import Repository

LOCK_LIMIT_MS: Final = 90  # with the commit, a lock is held for less than 100 ms
# Every condition has its index; where most rows share a value the planner would read the table instead.
BOUND_STATEMENTS: Final = f"""
SELECT set_config('statement_timeout', '{LOCK_LIMIT_MS}ms', false), set_config('enable_seqscan', 'off', false)
"""
UNBOUND_STATEMENTS: Final = "RESET statement_timeout; RESET enable_seqscan"

_DELIVERED: Final = """NOT EXISTS (
        SELECT FROM callback_deliveries d WHERE d.operation_id = o.operation_id AND d.status = 'PENDING')"""
# A batch has thousands of chunks: they go first, a few at a time.
PURGE_CHUNKS: Final = f"""
WITH due AS (
    SELECT c.operation_id, c.chunk_no
    FROM (SELECT operation_id FROM operations o
        WHERE operation_type = 'ANALYZE_SCENARIOS' AND finished_at < now() - %(kept)s AND {_DELIVERED}
        ORDER BY finished_at) o,
        LATERAL (SELECT * FROM batch_chunks c WHERE c.operation_id = o.operation_id LIMIT %(limit)s) c
    LIMIT %(limit)s),
removed AS (
    DELETE FROM batch_chunks WHERE (operation_id, chunk_no) IN (SELECT operation_id, chunk_no FROM due)
    RETURNING request_document, result_document),
loose AS (
    INSERT INTO documents_to_purge (sha256)
    SELECT DISTINCT sha256 FROM removed, LATERAL (VALUES (request_document), (result_document)) AS documents (sha256)
    WHERE sha256 IS NOT NULL
    ON CONFLICT DO NOTHING)
SELECT count(*) FROM removed
"""
# An operation is kept while its callback is pending, or it has chunks. One that has made a version leaves no document.
PURGE_OPERATIONS: Final = f"""
WITH due AS (
    SELECT operation_id FROM operations o
    WHERE finished_at < now() - %(kept)s AND {_DELIVERED}
        AND (SELECT 1 FROM batch_chunks c WHERE c.operation_id = o.operation_id LIMIT 1) IS NULL
    ORDER BY finished_at LIMIT %(limit)s FOR UPDATE OF o SKIP LOCKED),
removed AS (DELETE FROM operations o USING due WHERE o.operation_id = due.operation_id RETURNING o.*),
kept AS (
    INSERT INTO expired_operations ({EXPIRED_COLUMNS})
    SELECT {EXPIRED_VALUES} FROM removed),
loose AS (
    INSERT INTO documents_to_purge (sha256)
    SELECT DISTINCT sha256
    FROM removed, LATERAL (VALUES (request_document), (result_document), (inputs_document), (artifact_document))
        AS documents (sha256)
    WHERE proposal_version_id IS NULL AND sha256 IS NOT NULL
    ON CONFLICT DO NOTHING)
SELECT count(*) FROM removed
"""
# A key is kept for as long after the end of its operation, which may have been purged before. What other tables say is
# asked row by row, in subqueries of one value: from EXISTS the planner makes joins and hashes, over whole tables.
_ENDED: Final = """coalesce(
            (SELECT coalesce(finished_at, 'infinity') FROM operations o WHERE o.operation_id = k.operation_id),
            (SELECT finished_at FROM expired_operations e WHERE e.operation_id = k.operation_id),
            '-infinity')"""
PURGE_KEYS: Final = f"""
WITH removed AS (
    DELETE FROM idempotency_keys WHERE (client, scope, key) IN (
        SELECT client, scope, key FROM idempotency_keys k
        WHERE created_at < now() - %(kept)s AND {_ENDED} < now() - %(kept)s
        ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING key)
SELECT count(*) FROM removed
"""
PURGE_REVIEW_KEYS: Final = """
WITH removed AS (
    DELETE FROM review_keys WHERE (client, scope, key) IN (
        SELECT client, scope, key FROM review_keys WHERE created_at < now() - %(kept)s
        ORDER BY created_at LIMIT %(limit)s)
    RETURNING key)
SELECT count(*) FROM removed
"""
# As keys. A key that has no result, because its operation FAILED, leaves no document.
PURGE_SIMULATIONS: Final = f"""
WITH removed AS (
    DELETE FROM simulations WHERE (client, key) IN (
        SELECT client, key FROM simulations k
        WHERE created_at < now() - %(kept)s AND {_ENDED} < now() - %(kept)s
        ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING result_document, inputs_document, artifact_document),
loose AS (
    INSERT INTO documents_to_purge (sha256)
    SELECT DISTINCT sha256
    FROM removed, LATERAL (VALUES (result_document), (inputs_document), (artifact_document)) AS documents (sha256)
    WHERE sha256 IS NOT NULL
    ON CONFLICT DO NOTHING)
SELECT count(*) FROM removed
"""
PURGE_TOMBSTONES: Final = """
WITH removed AS (
    DELETE FROM expired_operations WHERE operation_id IN (
        SELECT operation_id FROM expired_operations WHERE expired_at < now() - %(kept)s
        ORDER BY expired_at LIMIT %(limit)s)
    RETURNING operation_id)
SELECT count(*) FROM removed
"""
# Asked row by row, as for keys.
PURGE_CORRELATION_IDS: Final = """
WITH removed AS (
    DELETE FROM operation_correlation_ids WHERE (operation_id, correlation_id) IN (
        SELECT operation_id, correlation_id FROM operation_correlation_ids c
        WHERE operation_created_at < now() - %(kept)s
            AND (SELECT 1 FROM operations o WHERE o.operation_id = c.operation_id) IS NULL
            AND (SELECT 1 FROM expired_operations e WHERE e.operation_id = c.operation_id) IS NULL
        ORDER BY operation_created_at LIMIT %(limit)s)
    RETURNING operation_id)
SELECT count(*) FROM removed
"""
UNUSED: Final = " AND ".join(
    f"(SELECT 1 FROM {table} WHERE {role}_document = d.sha256 LIMIT 1) IS NULL"
    for table, roles in REFERRERS.items()
    for role in roles
)
# A document that something else refers to by now leaves the queue and stays.
PURGE_DOCUMENTS: Final = f"""
WITH due AS (
    DELETE FROM documents_to_purge
    WHERE sha256 IN (SELECT sha256 FROM documents_to_purge ORDER BY sha256 LIMIT %(limit)s)
    RETURNING sha256),
removed AS (
    DELETE FROM documents d WHERE d.sha256 = ANY(ARRAY(SELECT sha256 FROM due)) AND {UNUSED})
SELECT count(*) FROM due
"""
# By its index each: the first and the last of it.
SELECT_DUE: Final = """
SELECT min({written}) AS oldest, max({written}) AS newest, max({written}) > now() - %(recent)s AS is_recent
FROM {table} WHERE {written} < now() - %(kept)s
"""
Kind = Literal[
    "batch_chunks", "operations", "keys", "review_keys", "simulations", "tombstones", "correlation_ids", "documents"
]
STATEMENTS: Final[Mapping[Kind, str]] = {
    "batch_chunks": PURGE_CHUNKS,
    "operations": PURGE_OPERATIONS,
    "keys": PURGE_KEYS,
    "review_keys": PURGE_REVIEW_KEYS,
    "simulations": PURGE_SIMULATIONS,
    "tombstones": PURGE_TOMBSTONES,
    "correlation_ids": PURGE_CORRELATION_IDS,
    "documents": PURGE_DOCUMENTS,
}
KINDS: Final = tuple(STATEMENTS)
# The kinds that go by age: their tables, and the column that says since when a row is kept.
AGED: Final[Mapping[Kind, tuple[str, str]]] = {
    "operations": ("operations", "finished_at"),
    "keys": ("idempotency_keys", "created_at"),
    "review_keys": ("review_keys", "created_at"),
    "simulations": ("simulations", "created_at"),
    "tombstones": ("expired_operations", "expired_at"),
    "correlation_ids": ("operation_correlation_ids", "operation_created_at"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """When the oldest and the newest row that may go were written, and whether the newest is recent."""

    oldest: datetime
    newest: datetime
    is_recent: bool


class BatchUndone(Exception):
    """Nothing of the batch was removed.

    It would have held its locks for too long, or another transaction referred to one of its documents in the same
    instant: fewer rows, or the same again, may pass.
    """


class Retention(Repository):
    """Finds and removes the rows to purge, on a connection in autocommit. Only PostgreSQL's clock decides their age."""

    async def now(self) -> datetime:
        now: datetime = await self._value("SELECT now()")
        return now

    async def due(self, kind: Kind, *, kept: timedelta, recent: timedelta) -> Due | None:
        """The age of the rows of a kind of AGED that are older than `kept`; None when there are none."""
        table, written = AGED[kind]
        statement = SELECT_DUE.format(table=table, written=written)
        cursor = await self._connection.execute(statement, {"kept": kept, "recent": recent})
        ((oldest, newest, is_recent),) = await cursor.fetchall()
        return None if newest is None else Due(oldest=oldest, newest=newest, is_recent=is_recent)

    async def purge(self, kind: Kind, *, kept: timedelta, limit: int) -> int:
        """Remove at most `limit` rows that are older than `kept`, and return how many were. Raises BatchUndone.

        For documents these are the queue's: each leaves it, and is deleted if nothing refers to it any more.
        """
        # In autocommit the server releases a statement's locks at its end, without waiting for a COMMIT from here.
        await self._connection.execute(BOUND_STATEMENTS)
        try:
            return int(await self._value(STATEMENTS[kind], kept=kept, limit=limit))
        except (QueryCanceled, ForeignKeyViolation):
            raise BatchUndone from None
        finally:
            await self._connection.execute(UNBOUND_STATEMENTS)

"""The chunks of batches: written when the batch is accepted, each done once, read in order, carried over by a retry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.operation import LockedOperation
from storage.documents import ADD_LOOSE, INSERT_DOCUMENT, Document, document_row
from storage.rows import Repository, columns_of, insert_statement, parameters_of, value_row


@dataclass(frozen=True, kw_only=True, slots=True)
class NewChunk:
    """A chunk as it is accepted; `first_run` counts from 0 in the batch."""

    chunk_no: int
    first_run: int
    runs: int
    document: Document


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredChunk:
    """A chunk by its documents' addresses; its results are None until it is done."""

    chunk_no: int
    first_run: int
    runs: int
    request_document: str
    result_document: str | None
    summaries: str | None
    succeeded: int | None
    failed: int | None
    engine_version: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DoneChunk:
    """What a chunk came to, by one engine version: its lines, and their summaries, one a line."""

    chunk_no: int
    document: Document
    summaries: str
    succeeded: int
    failed: int
    engine_version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkResult:
    """The address of a done chunk's lines, and how many bytes they are."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkCounts:
    """How far a batch's chunks are; times are PostgreSQL's."""

    chunks: int
    done: int
    last_done_at: datetime | None


_COLUMNS: Final = columns_of(StoredChunk)
_SELECTED: Final = ", ".join(_COLUMNS)
INSERT_CHUNK: Final = insert_statement(
    "batch_chunks", ("operation_id", "chunk_no", "first_run", "runs", "request_document")
)
SELECT_OPEN: Final = f"""
SELECT {_SELECTED} FROM batch_chunks
WHERE operation_id = %(operation_id)s AND result_document IS NULL AND chunk_no %% %(lanes)s = %(lane)s
ORDER BY chunk_no LIMIT %(limit)s
"""
SELECT_AFTER: Final = f"""
SELECT {_SELECTED} FROM batch_chunks
WHERE operation_id = %(operation_id)s AND chunk_no > %(after)s ORDER BY chunk_no LIMIT %(limit)s
"""
SELECT_OF_RUN: Final = f"""
SELECT {_SELECTED} FROM batch_chunks
WHERE operation_id = %(operation_id)s AND first_run <= %(run_no)s AND first_run + runs > %(run_no)s
"""
SELECT_RESULTS: Final = """
SELECT d.sha256, d.size FROM batch_chunks c JOIN documents d ON d.sha256 = c.result_document
WHERE c.operation_id = %(operation_id)s ORDER BY c.chunk_no
"""
COUNT_CHUNKS: Final = """
SELECT count(*) AS chunks, count(result_document) AS done, max(done_at) AS last_done_at
FROM batch_chunks WHERE operation_id = %(operation_id)s
"""
FINISH_CHUNK: Final = """
UPDATE batch_chunks
SET result_document = %(result_document)s, summaries = %(summaries)s, succeeded = %(succeeded)s, failed = %(failed)s,
    engine_version = %(engine_version)s, done_at = now()
WHERE operation_id = %(operation_id)s AND chunk_no = %(chunk_no)s AND result_document IS NULL
RETURNING chunk_no
"""
COUNT_RUNS: Final = """
UPDATE operations
SET status = 'RUNNING', runs_succeeded = runs_succeeded + %(succeeded)s, runs_failed = runs_failed + %(failed)s,
    started_at = coalesce(started_at, now()), started_workflow_at = coalesce(started_workflow_at, now()),
    updated_at = now(), progress_at = now()
WHERE operation_id = %(operation_id)s
"""
_MADE: Final = ("result_document", "summaries", "succeeded", "failed", "engine_version", "done_at")
_KEPT: Final = ", ".join(f"CASE WHEN is_kept THEN {column} END" for column in _MADE)
CARRY_OVER: Final = f"""
WITH carried AS (
    INSERT INTO batch_chunks (operation_id, chunk_no, first_run, runs, request_document, {", ".join(_MADE)})
    SELECT %(operation_id)s, chunk_no, first_run, runs, request_document, {_KEPT}
    FROM (SELECT *, failed = 0 AND engine_version = %(engine_version)s AS is_kept
        FROM batch_chunks WHERE operation_id = %(failed_id)s) earlier
    RETURNING succeeded)
UPDATE operations SET runs_succeeded = (SELECT coalesce(sum(succeeded), 0) FROM carried)
WHERE operation_id = %(operation_id)s RETURNING runs_succeeded
"""
RESULT_ROW: Final = value_row(ChunkResult)
CHUNK_ROW: Final = value_row(StoredChunk)
COUNTS_ROW: Final = value_row(ChunkCounts)


class ChunkReader(Repository):
    async def open(self, operation_id: str, *, lane: int, lanes: int, limit: int) -> list[StoredChunk]:
        """The first chunks of a lane that are not done."""
        return await self._all(CHUNK_ROW, SELECT_OPEN, operation_id=operation_id, lane=lane, lanes=lanes, limit=limit)

    async def after(self, operation_id: str, chunk_no: int, *, limit: int) -> list[StoredChunk]:
        """The chunks that follow this one, done or not; -1 for the first."""
        return await self._all(CHUNK_ROW, SELECT_AFTER, operation_id=operation_id, after=chunk_no, limit=limit)

    async def of_run(self, operation_id: str, run_no: int) -> StoredChunk | None:
        return await self._one(CHUNK_ROW, SELECT_OF_RUN, operation_id=operation_id, run_no=run_no)

    async def results(self, operation_id: str) -> list[ChunkResult]:
        """Of the done chunks, in their order."""
        return await self._all(RESULT_ROW, SELECT_RESULTS, operation_id=operation_id)

    async def counts(self, operation_id: str) -> ChunkCounts:
        (counts,) = await self._all(COUNTS_ROW, COUNT_CHUNKS, operation_id=operation_id)  # an aggregate is one row
        return counts


class BatchChunks(ChunkReader):
    async def add(self, operation_id: str, chunks: Sequence[NewChunk], *, at: datetime) -> None:
        """Store the chunks of an operation that this transaction has added. Raises DocumentPurged."""
        documents = {chunk.document.sha256: chunk.document for chunk in chunks}
        # In one order in every transaction: two batches of the same items would otherwise wait in a circle.
        stored = [document_row(documents[address], at=at) for address in sorted(documents)]
        rows = [
            {
                "operation_id": operation_id,
                "request_document": chunk.document.sha256,
                **parameters_of(chunk, ("chunk_no", "first_run", "runs")),
            }
            for chunk in chunks
        ]
        async with self._connection.cursor() as cursor:
            await cursor.executemany(INSERT_DOCUMENT, stored)
            await cursor.executemany(INSERT_CHUNK, rows)

    async def finish(self, operation: LockedOperation, done: DoneChunk) -> bool:
        """Record what a chunk of an open, locked operation came to; False, and nothing is changed, when it was done.

        The purge then removes the documents of another engine version.
        """
        row: dict[str, Any] = {
            "operation_id": operation.operation_id,
            "result_document": done.document.sha256,
            **parameters_of(done, ("chunk_no", "summaries", "succeeded", "failed", "engine_version")),
        }
        await self._connection.execute(INSERT_DOCUMENT, document_row(done.document, at=operation.locked_at))
        if await self._value(FINISH_CHUNK, **row) is None:
            await self._connection.execute(ADD_LOOSE, {"addresses": [done.document.sha256]})
            return False
        await self._connection.execute(COUNT_RUNS, row)
        return True

    async def carry_over(self, failed_id: str, operation_id: str, *, engine_version: str) -> int:
        """Give the next attempt the chunks of a failed one: done are those by this engine version without a failed run.

        Returns how many runs the attempt has computed with that.
        """
        return int(
            await self._value(CARRY_OVER, failed_id=failed_id, operation_id=operation_id, engine_version=engine_version)
        )

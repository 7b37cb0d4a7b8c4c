"""The runs of a batch as they are stored: a page of summaries, all lines one after the other, one line."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from typing import Any, Final

from pydantic_core import from_json

from domain.batch.metrics import results_hash
from domain.canonical import wire_text
from domain.errors import CursorInvalid, RunNotFound
from domain.operation import Operation
from services.documents import Room, document_bytes
from services.lookup import LookupService
from storage.batch_chunks import StoredChunk
from storage.documents import decompressed
from storage.keyset import Page
from storage.unit_of_work import Storage

CHUNKS_READ: Final = 20  # with their summaries, at a time
CURSOR_DIGITS: Final = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFilter:
    """The filters of a page of runs; None does not filter."""

    item_id: str | None = None
    scenario: str | None = None
    status: frozenset[str] | None = None  # any of these
    simulation_status: str | None = None
    gate: str | None = None

    @property
    def is_empty(self) -> bool:
        return all(getattr(self, field.name) is None for field in fields(self))

    def matches(self, summary: str) -> bool:
        """Whether a summary, as it is stored, is of a run that is asked for."""
        if self.is_empty:
            return True
        # Parsing costs more than searching: most runs are of other items and scenarios.
        asked = {"item_id": self.item_id, "scenario": self.scenario}
        named = {name: value for name, value in asked.items() if value is not None}
        if not all(f'"{name}":{wire_text(value)}' in summary for name, value in named.items()):
            return False
        if self.status is not None and not any(f'"status":{wire_text(status)}' in summary for status in self.status):
            return False
        run = from_json(summary)
        metrics: dict[str, Any] = run["metrics"] or {}
        return (
            all(run[name] == value for name, value in named.items())
            and (self.status is None or run["status"] in self.status)
            and self.simulation_status in (None, metrics.get("status"))
            and self.gate in (None, metrics.get("gate"))
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSummary:
    """A run as it is stored; `text` is a JSON object."""

    run_no: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFile:
    """The lines of a batch: `tag` names their contents once they do not change any more."""

    operation: Operation
    tag: str | None
    largest_chunk: int  # bytes


class BatchReadService:
    """No connection is held while an answer is sent, and one chunk is in memory at a time."""

    def __init__(self, storage: Storage, lookup: LookupService) -> None:
        self._storage = storage
        self._lookup = lookup

    async def page(
        self, operation_id: str, filters: RunFilter, *, client: str, cursor: str | None, limit: int
    ) -> Page[RunSummary]:
        """Computed runs in their order. Raises OperationNotFound, OperationExpired, RunNotFound, CursorInvalid."""
        batch = await self._batch(operation_id, client=client)
        after = -1 if cursor is None else _run_of(cursor, batch)
        found: list[RunSummary] = []
        async for chunk in self._chunks(batch, after=after):
            for run_no, text in enumerate((chunk.summaries or "").splitlines(), chunk.first_run):
                if run_no > after and filters.matches(text):
                    found.append(RunSummary(run_no=run_no, text=text))
            if len(found) > limit:
                break
        items = found[:limit]
        return Page(items=items, next_cursor=str(items[-1].run_no) if len(found) > limit else None)

    async def run(self, operation_id: str, run_no: int, *, client: str, room: Room) -> bytes:
        """The line of a run. Raises OperationNotFound, OperationExpired, RunNotFound."""
        batch = await self._batch(operation_id, client=client)
        async with self._storage.reading() as reading:
            chunk = await reading.chunks.of_run(batch.operation_id, run_no)
        if chunk is None or chunk.result_document is None:
            raise RunNotFound
        (lines,) = await document_bytes(self._storage, chunk.result_document, room=room)
        return lines.split(b"\n", run_no - chunk.first_run + 1)[run_no - chunk.first_run]

    async def file(self, operation_id: str, *, client: str) -> RunFile:
        """Raises OperationNotFound, OperationExpired, RunNotFound."""
        batch = await self._batch(operation_id, client=client)
        async with self._storage.reading() as reading:
            results = await reading.chunks.results(batch.operation_id)
        tag = results_hash([result.sha256 for result in results]) if batch.is_terminal else None
        return RunFile(operation=batch, tag=tag, largest_chunk=max((result.size for result in results), default=0))

    async def summaries(self, file: RunFile, *, after: int) -> AsyncIterator[bytes]:
        """The lines after this run, without results, a chunk at a time."""
        async for chunk in self._chunks(file.operation, after=after):
            yield _lines_after((chunk.summaries or "").encode(), after, chunk)

    async def lines(self, file: RunFile, *, after: int) -> AsyncIterator[bytes]:
        """The lines after this run, a chunk at a time."""
        async for chunk in self._chunks(file.operation, after=after):
            async with self._storage.reading() as reading:
                (content,) = await reading.documents.contents(chunk.result_document or "")
            yield await asyncio.to_thread(_plain_after, content, after, chunk)

    async def _batch(self, operation_id: str, *, client: str) -> Operation:
        operation = await self._lookup.operation(operation_id, client=client)
        if not operation.is_batch:
            raise RunNotFound
        return operation

    async def _chunks(self, batch: Operation, *, after: int) -> AsyncIterator[StoredChunk]:
        """The done chunks that have a run after this one."""
        chunk_no = -1
        if after >= 0:
            async with self._storage.reading() as reading:
                begun = await reading.chunks.of_run(batch.operation_id, after)
            if begun is None:
                return
            chunk_no = begun.chunk_no - 1
        async for chunk in done_chunks(self._storage, batch.operation_id, after=chunk_no):
            if chunk.first_run + chunk.runs > after + 1:
                yield chunk


async def done_chunks(storage: Storage, operation_id: str, *, after: int = -1) -> AsyncIterator[StoredChunk]:
    """The chunks of a batch that are done, of those after this one."""
    while True:
        async with storage.reading() as reading:
            page = await reading.chunks.after(operation_id, after, limit=CHUNKS_READ)
        for chunk in page:
            if chunk.result_document is not None:
                yield chunk
        if len(page) < CHUNKS_READ:
            return
        after = page[-1].chunk_no


def _run_of(cursor: str, batch: Operation) -> int:
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > CURSOR_DIGITS:
        raise CursorInvalid
    if int(cursor) >= (batch.runs_total or 0):
        raise CursorInvalid
    return int(cursor)


def _plain_after(content: bytes, after: int, chunk: StoredChunk) -> bytes:
    return _lines_after(decompressed(content), after, chunk)


def _lines_after(lines: bytes, after: int, chunk: StoredChunk) -> bytes:
    passed = after + 1 - chunk.first_run
    return lines if passed <= 0 else lines.split(b"\n", passed)[passed]

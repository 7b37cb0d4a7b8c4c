"""Step `conclude_batch`: the small result of a batch, and the one commit that ends it."""

import asyncio
from dataclasses import replace
from typing import Final

from pydantic_core import from_json
from temporalio import activity

from activities.boundary import boundary
from activities.computing import heartbeating
from activities.outcome import outcome_of
from activities.work_at_hand import WorkAtHand
from domain.batch.metrics import Totals
from domain.canonical import wire_text
from domain.errors import AllRunsFailed, InvariantBroken
from domain.operation import Operation, OperationFailure
from domain.public_links import runs_path
from services.ending import fail_locked, succeed_locked
from storage.batch_chunks import StoredChunk
from storage.documents import Document, DocumentKind
from storage.operation_work import AcceptedWork
from storage.unit_of_work import Storage, Transaction
from workflows.messages import ConcludeBatchInput, ConcludeBatchResult

CHUNKS_READ: Final = 50  # with their summaries, at a time


class ConcludeBatchStep:
    """Done chunks do not change, so that they are added up before the row is locked."""

    def __init__(self, storage: Storage, work: WorkAtHand) -> None:
        self._storage = storage
        self._work = work

    @activity.defn(name="conclude_batch")
    @boundary
    @heartbeating
    async def conclude_batch(self, step: ConcludeBatchInput) -> ConcludeBatchResult:
        work = await self._work.read(step.operation_id)
        if work.is_terminal:
            return self._ended(work)
        totals = Totals(sorted(from_json(work.request_text)["scenarios"]))
        chunks = await self._added_up(work, totals)
        if chunks is None:
            return ConcludeBatchResult()
        async with self._storage.transaction() as transaction:
            ended = await _end(transaction, work, totals, chunks)
        return self._ended(ended, totals)

    async def _added_up(self, work: AcceptedWork, totals: Totals) -> list[StoredChunk] | None:
        """All chunks, without their summaries, which `totals` has; None when one of them is not done."""
        chunks: list[StoredChunk] = []
        while len(chunks) < (work.chunk_count or 0):
            async with self._storage.reading() as reading:
                page = await reading.chunks.after(work.operation_id, len(chunks) - 1, limit=CHUNKS_READ)
            if not page or any(chunk.summaries is None for chunk in page):
                return None
            await asyncio.to_thread(_add, totals, page)
            chunks += [replace(chunk, summaries=None) for chunk in page]
        return chunks

    def _ended(self, operation: Operation, totals: Totals | None = None) -> ConcludeBatchResult:
        self._work.forget(operation.operation_id)
        outcome = outcome_of(operation)
        if totals is not None and outcome.runs is not None:
            outcome = outcome.model_copy(update={"runs": outcome.runs.model_copy(update={"failures": totals.failures})})
        return ConcludeBatchResult(outcome=outcome)


def _add(totals: Totals, chunks: list[StoredChunk]) -> None:
    for chunk in chunks:
        for summary in (chunk.summaries or "").splitlines():
            totals.add(from_json(summary))


async def _end(transaction: Transaction, work: AcceptedWork, totals: Totals, chunks: list[StoredChunk]) -> Operation:
    """The operation as it has ended: SUCCEEDED with one computed run at least, or as it had ended before."""
    operation = await transaction.operations.lock(work.operation_id)
    if operation.is_terminal:
        return operation
    counted = operation.progress
    if counted is None or counted.remaining or counted.succeeded != totals.succeeded:
        raise InvariantBroken("the counters of a batch are not the sums over its chunks")
    if not totals.succeeded:
        return await fail_locked(transaction, operation, OperationFailure.of(AllRunsFailed))
    result = totals.result(
        chunks=[chunk.result_document or "" for chunk in chunks],
        engine_versions=[chunk.engine_version or "" for chunk in chunks],
        runs_url=runs_path(work.operation_id),
    )
    document = Document.of(DocumentKind.RESULT, wire_text(result))
    await transaction.documents.add(document, at=operation.locked_at)
    return await succeed_locked(transaction, operation, result_document=document.sha256)

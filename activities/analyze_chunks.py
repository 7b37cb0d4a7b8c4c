"""Step `analyze_chunks`: a turn of one lane of a batch, chunk by chunk."""

import time
from typing import Final

from temporalio import activity

from activities.boundary import boundary
from activities.computing import heartbeating
from activities.metrics import WorkerMetrics
from activities.work_at_hand import WorkAtHand
from services.chunk_computing import ChunkWork, computed_chunk
from services.process_pool import ProcessPool
from storage.batch_chunks import DoneChunk, StoredChunk
from storage.operation_work import AcceptedWork
from storage.unit_of_work import Storage
from workflows.messages import AnalyzeChunksInput, AnalyzeChunksResult

CHUNKS_READ: Final = 8  # their numbers, at a time


class AnalyzeStep:
    """Lanes share no chunk; of a chunk that is computed twice all the same, the first commit counts."""

    def __init__(self, storage: Storage, work: WorkAtHand, pool: ProcessPool, metrics: WorkerMetrics) -> None:
        self._storage = storage
        self._work = work
        self._pool = pool
        self._metrics = metrics

    @activity.defn(name="analyze_chunks")
    @boundary
    @heartbeating
    async def analyze_chunks(self, step: AnalyzeChunksInput) -> AnalyzeChunksResult:
        until = time.monotonic() + step.seconds
        work = await self._work.read(step.operation_id)
        common = work.request_text
        while not work.is_terminal:
            async with self._storage.reading() as reading:
                chunks = await reading.chunks.open(
                    step.operation_id, lane=step.lane, lanes=step.lanes, limit=CHUNKS_READ
                )
            if not chunks:
                break
            for chunk in chunks:
                if not await self._is_finished(work, chunk, common=common):
                    return AnalyzeChunksResult(is_done=True)
                if time.monotonic() >= until:
                    return AnalyzeChunksResult(is_done=False)
        return AnalyzeChunksResult(is_done=True)

    async def _is_finished(self, work: AcceptedWork, chunk: StoredChunk, *, common: str) -> bool:
        """Compute the chunk and commit it; False when the operation has ended."""
        began = time.monotonic()
        async with self._storage.reading() as reading:
            text = await reading.documents.text(chunk.request_document)
        done = await computed_chunk(self._pool, ChunkWork.of(chunk, work, text=text, common=common))
        return await self._commit(work.operation_id, done, began=began)

    async def _commit(self, operation_id: str, done: DoneChunk, *, began: float) -> bool:
        async with self._storage.transaction() as transaction:
            operation = await transaction.operations.lock(operation_id)
            if operation.is_terminal:
                return False
            is_first = await transaction.chunks.finish(operation, done)
        if is_first:
            self._metrics.computed(done.succeeded, done.failed, seconds=time.monotonic() - began)
        return True

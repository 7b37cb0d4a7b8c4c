"""A chunk computed in the engine pool: together, or run by run when together it ends its process."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import structlog

from domain.batch.running import ComputedRun, Fault, RunIdentity, computed_runs, failed_run
from domain.engine import codes
from domain.errors import OperationInternalError, OperationTooExpensive, ProposalError
from domain.operation import Operation
from services.process_pool import ProcessPool
from storage.batch_chunks import DoneChunk, StoredChunk
from storage.documents import Document, DocumentKind

PROCESS_DIED: Final = "died"  # and neither time nor memory was short

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkWork:
    """What a chunk is computed from, all of it stored."""

    chunk_no: int
    run_numbers: range
    text: str
    common: str
    identity: RunIdentity

    @classmethod
    def of(cls, chunk: StoredChunk, operation: Operation, *, text: str, common: str) -> Self:
        identity = RunIdentity(correlation_id=operation.correlation_id, idempotency_key=operation.idempotency_key)
        run_numbers = range(chunk.first_run, chunk.first_run + chunk.runs)
        return cls(chunk_no=chunk.chunk_no, run_numbers=run_numbers, text=text, common=common, identity=identity)


async def computed_chunk(pool: ProcessPool, work: ChunkWork) -> DoneChunk:
    """What the chunk comes to. A run that ends its process, twice, is FAILED; the others are computed."""
    try:
        done, faults = await pool.run(compute, work)
    except OperationTooExpensive:
        return await _run_by_run(pool, work)
    _log(faults)
    return done


def compute(work: ChunkWork) -> tuple[DoneChunk, tuple[Fault, ...]]:
    """In a process of the pool, where hashing and compressing belong as well."""
    computed = computed_runs(work.text, work.common, work.identity)
    return _done(work.chunk_no, computed.runs), computed.faults


async def _run_by_run(pool: ProcessPool, work: ChunkWork) -> DoneChunk:
    runs: list[ComputedRun] = []
    for run_no in work.run_numbers:
        try:
            computed = await pool.run(computed_runs, work.text, work.common, work.identity, only=run_no)
        except OperationTooExpensive as ended:
            error: type[ProposalError] = (
                OperationInternalError if ended.reason == PROCESS_DIED else OperationTooExpensive
            )
            log.warning("run_ended_its_process", run_no=run_no, reason=ended.reason)
            runs.append(await asyncio.to_thread(failed_run, work.text, work.common, error, run_no=run_no))
        else:
            _log(computed.faults)
            runs += computed.runs
    return await asyncio.to_thread(_done, work.chunk_no, runs)


def _done(chunk_no: int, runs: Sequence[ComputedRun]) -> DoneChunk:
    failed = sum(run.is_failed for run in runs)
    return DoneChunk(
        chunk_no=chunk_no,
        document=Document.of(DocumentKind.RESULT, "".join(f"{run.line}\n" for run in runs)),
        summaries="".join(f"{run.summary}\n" for run in runs),
        succeeded=len(runs) - failed,
        failed=failed,
        engine_version=codes.ENGINE_VERSION,
    )


def _log(faults: Sequence[Fault]) -> None:
    for fault in faults:
        log.error("run_failed_unexpectedly", run_no=fault.run_no, error_class=fault.error_class, at=list(fault.at))

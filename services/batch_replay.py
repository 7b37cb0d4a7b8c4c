"""Computing a stored batch again: the same engine must come to the same lines."""

from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json

from domain.engine import codes
from domain.errors import OperationInternalError, OperationTooExpensive, RunNotFound
from domain.operation import Operation
from services.batch_reads import done_chunks
from services.chunk_computing import ChunkWork, computed_chunk
from services.process_pool import ProcessPool
from storage.batch_chunks import StoredChunk
from storage.documents import Document, decompressed
from storage.unit_of_work import Storage

# A run that ended its process then need not end it now, on another machine.
OF_THE_MACHINE: Final = frozenset({OperationTooExpensive.code, OperationInternalError.code})


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchReplay:
    """How many chunks came to the same lines; the numbers of those that did not, and of those by another engine."""

    operation: Operation
    same: int
    differing: tuple[int, ...]
    by_other_engines: tuple[int, ...]


async def replay_batch(storage: Storage, pool: ProcessPool, operation_id: str) -> BatchReplay:
    """All chunks that are done. Raises RunNotFound for what is no batch with such a chunk, StorageUnavailable."""
    async with storage.reading() as reading:
        work = await reading.work.get(operation_id)
    if work is None or not work.is_batch:
        raise RunNotFound
    same, differing, others = 0, list[int](), list[int]()
    async for chunk in done_chunks(storage, operation_id):
        if chunk.engine_version != codes.ENGINE_VERSION:
            others.append(chunk.chunk_no)
        elif await _is_same(storage, pool, work, chunk, common=work.request_text):
            same += 1
        else:
            differing.append(chunk.chunk_no)
    if not same and not differing and not others:
        raise RunNotFound
    return BatchReplay(operation=work, same=same, differing=tuple(differing), by_other_engines=tuple(others))


async def _is_same(
    storage: Storage, pool: ProcessPool, operation: Operation, chunk: StoredChunk, *, common: str
) -> bool:
    address = chunk.result_document or ""
    async with storage.reading() as reading:
        text = await reading.documents.text(chunk.request_document)
        (stored,) = await reading.documents.contents(address)
    again = await computed_chunk(pool, ChunkWork.of(chunk, operation, text=text, common=common))
    return again.document.sha256 == address or _differs_by_the_machine(decompressed(stored), again.document)


def _differs_by_the_machine(stored: bytes, again: Document) -> bool:
    lines, lines_again = stored.splitlines(), decompressed(again.content).splitlines()
    return len(lines) == len(lines_again) and all(
        line == line_again or _code(line) in OF_THE_MACHINE for line, line_again in zip(lines, lines_again, strict=True)
    )


def _code(line: bytes) -> str | None:
    error = from_json(line)["error"]
    return None if error is None else str(error["code"])

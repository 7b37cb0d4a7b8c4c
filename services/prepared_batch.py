"""A batch ready to be stored, made where its body is read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.batch.chunks import Chunk, NamedItem, chunk_text, chunks_of, common_text
from domain.batch.composing import Composition
from domain.batch.parts import Malformed, PartError
from domain.batch.request import AnalyzeRequest, batch_hash
from domain.callback import CallbackSubscription
from domain.canonical import canonical_text
from domain.operation import OperationType
from domain.row_errors import MAX_ERRORS
from services.prepared_request import PreparedRequest
from storage.batch_chunks import NewChunk
from storage.documents import Document, DocumentKind


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchLimits:
    """Runs of a batch, the rows of all of its runs together, and those of each run."""

    max_runs: int
    max_rows: int
    max_rows_of_run: int


def too_many_runs(items: int, scenarios: int, limits: BatchLimits) -> PartError | None:
    """The refusal of a batch with so many runs; counted before anything is validated, which costs far more."""
    runs = items * scenarios
    if runs <= limits.max_runs:
        return None
    message = f"A batch should have at most {limits.max_runs} runs, items times scenarios, not {runs}"
    return PartError("too_long", ("items",), message)


def prepared_batch(
    request: AnalyzeRequest,
    sent: Mapping[str, Any],
    limits: BatchLimits,
    *,
    callback: CallbackSubscription | None,
) -> PreparedRequest | PartError:
    """The batch, or what refuses the whole of it; `sent` is what the request was parsed from."""
    if (place := request.repeated_item) is not None:
        return PartError("item_id_repeated", ("items", place, "id"), "Every item should have an id of its own")
    if excess := too_many_runs(len(request.items), len(request.scenarios), limits):
        return excess
    composition = Composition(request.shared, request.scenarios, max_rows=limits.max_rows_of_run)
    chunks: list[NewChunk] = []
    rows = 0
    for chunk, rows_of_chunk in chunks_of(_with_few_errors(request.items), composition):
        rows += rows_of_chunk
        if rows > limits.max_rows:
            message = f"The runs of a batch should have at most {limits.max_rows} rows together"
            return PartError("too_long", ("items",), message)
        chunks.append(_new_chunk(chunk, number=len(chunks), scenarios=len(request.scenarios)))
    common = common_text(request.shared, composition.scenarios, max_rows=limits.max_rows_of_run)
    return PreparedRequest(
        request_hash=batch_hash(request, sent),
        document=Document.of(DocumentKind.REQUEST, common),
        row_count=rows,
        portfolio_id=request.portfolio_id,
        asks_for_simulation=True,
        author=request.created_by,
        metadata=_metadata(request),
        callback=callback,
        operation_type=OperationType.ANALYZE_SCENARIOS,
        scenario_count=len(request.scenarios),
        chunks=tuple(chunks),
    )


def _with_few_errors(items: tuple[NamedItem, ...]) -> list[NamedItem]:
    """Each malformed item has one error, and all of them a thousand more."""
    room: int = MAX_ERRORS
    kept: list[NamedItem] = []
    for item in items:
        if isinstance(item.part, Malformed):
            errors = item.part.errors[: max(1, room)]
            room -= len(errors)
            item = replace(item, part=Malformed(errors=errors))  # noqa: PLW2901 -- the same item, with fewer errors
        kept.append(item)
    return kept


def _new_chunk(chunk: Chunk, *, number: int, scenarios: int) -> NewChunk:
    return NewChunk(
        chunk_no=number,
        first_run=chunk.first_run,
        runs=len(chunk.items) * scenarios,
        document=Document.of(DocumentKind.REQUEST, chunk_text(chunk)),
    )


def _metadata(request: AnalyzeRequest) -> str:
    descriptions = {
        name: scenario.description
        for name, scenario in request.scenarios.items()
        if not isinstance(scenario, Malformed) and scenario.description is not None
    }
    return canonical_text({"description": request.description, "scenarios": descriptions})

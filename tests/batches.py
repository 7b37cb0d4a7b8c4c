"""Batches for tests: bodies in few words, and their runs computed as a worker computes them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry
from storage_rows import environment_of, submitting

from activities.analyze_chunks import AnalyzeStep
from activities.conclude_batch import ConcludeBatchStep
from activities.metrics import WorkerMetrics
from activities.under_way import UnderWay
from activities.work_at_hand import WorkAtHand
from domain.batch.chunks import Chunk, chunk_text, common_text, read_chunk, read_common
from domain.batch.composing import Composition
from domain.batch.metrics import results_hash
from domain.batch.parts import PartError
from domain.batch.request import AnalyzeRequest
from domain.batch.running import RunIdentity, computed_runs
from domain.evidence import simulate_document
from domain.operation import IdempotencyKey, Operation, OperationType
from domain.request import SimulateRequest, request_document, request_hash
from services.chunk_computing import ChunkWork, compute
from services.prepared_batch import BatchLimits, prepared_batch
from services.prepared_request import PreparedRequest
from services.submission import Accepted, Submission
from storage.unit_of_work import Storage
from workflows.identity import WORKFLOW_TYPES
from workflows.messages import (
    AnalyzeChunksInput,
    AnalyzeChunksResult,
    ConcludeBatchInput,
    ConcludeBatchResult,
)

IDENTITY = RunIdentity(correlation_id="cio/2026-11", idempotency_key="hv-1")
MAX_ROWS = 100_000
LIMITS = BatchLimits(max_runs=5_000, max_rows=5_000_000, max_rows_of_run=MAX_ROWS)


def an_analysis(
    *items: Mapping[str, Any],
    shared: Mapping[str, Any] | None = None,
    scenarios: Mapping[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """The body of a batch; without items and `shared` of three portfolios that end READY."""
    body: dict[str, Any] = {
        "created_by": "desk_1",
        "shared": a_market() if shared is None else dict(shared),
        "items": list(items) or [a_portfolio(number) for number in range(3)],
    }
    return body | ({} if scenarios is None else {"scenarios": dict(scenarios)}) | changes


def a_market(*, price: str = "50.00") -> dict[str, Any]:
    """What all of these portfolios have in common."""
    return {
        "market_data_snapshot": {"prices": [{"instrument_id": "A", "price": price, "currency": "SGD"}]},
        "shelf_entries": [{"instrument_id": "A", "status": "APPROVED", "issuer_id": "I", "liquidity_tier": "L1"}],
        "options": {"enable_proposal_simulation": True},
    }


def a_portfolio(number: int, **changes: Any) -> dict[str, Any]:
    """An item."""
    item: dict[str, Any] = {
        "id": f"pf_{number}",
        "portfolio_snapshot": {
            "portfolio_id": f"pf_{number}",
            "base_currency": "SGD",
            "positions": [{"instrument_id": "A", "quantity": str(10 + number)}],
            "cash_balances": [{"currency": "SGD", "amount": "1000.00"}],
        },
        "proposed_trades": [{"side": "BUY", "instrument_id": "A", "quantity": "2"}],
    }
    return item | changes


def parsed(body: Mapping[str, Any]) -> AnalyzeRequest:
    return AnalyzeRequest.model_validate(body, context={"max_rows": MAX_ROWS})


def composition_of(body: Mapping[str, Any]) -> Composition:
    """From the stored document, as a worker has it."""
    request = parsed(body)
    return read_common(common_text(request.shared, request.scenarios, max_rows=MAX_ROWS))


def computed(body: Mapping[str, Any], identity: RunIdentity = IDENTITY) -> list[dict[str, Any]]:
    """The lines of all runs, parsed."""
    request = parsed(body)
    common = common_text(request.shared, request.scenarios, max_rows=MAX_ROWS)
    text = chunk_text(Chunk(first_item=0, first_run=0, items=request.items))
    runs = computed_runs(text, common, identity)
    assert runs.faults == ()
    assert all(run.line.startswith(f"{run.summary[:-1]},") for run in runs.runs)
    return [json.loads(run.line) for run in runs.runs]


def undisturbed_hash(body: Mapping[str, Any], identity: RunIdentity) -> str:
    """The `results_hash` of a batch that nothing disturbs, computed here."""
    request = prepared(body)
    works = [
        ChunkWork(
            chunk_no=number,
            run_numbers=range(0),
            text=chunk.document.text(),
            common=request.document.text(),
            identity=identity,
        )
        for number, chunk in enumerate(request.chunks)
    ]
    return results_hash([compute(work)[0].document.sha256 for work in works])


def simulated(request: Mapping[str, Any] | SimulateRequest) -> str:
    """What POST /simulate returns, with the correlation id and the key of these batches."""
    simulation = request if isinstance(request, SimulateRequest) else SimulateRequest.model_validate(request)
    simulate_document_text = request_document(simulation)
    return simulate_document(
        simulate_document_text,
        kind="simulate",
        request_hash=request_hash(SimulateRequest.model_validate_json(simulate_document_text)),
        correlation_id=IDENTITY.correlation_id,
        idempotency_key=IDENTITY.idempotency_key,
    ).text


def composed(parts: Sequence[Mapping[str, Any]], *, scenario: str = "baseline") -> SimulateRequest:
    """The request that shared, item and scenario come to, each stored and read again."""
    shared, item, last = parts
    body = an_analysis({"id": "x", **item}, shared=shared, scenarios={scenario: last})
    named = read_chunk(chunk_text(Chunk(first_item=0, first_run=0, items=parsed(body).items))).items[0]
    return composition_of(body).request(named.part, scenario, number=0)


def ready_or_refused(body: Mapping[str, Any], **limits: int) -> PreparedRequest | PartError:
    return prepared_batch(parsed(body), body, replace(LIMITS, **limits), callback=None)


def prepared(body: Mapping[str, Any], **limits: int) -> PreparedRequest:
    ready = ready_or_refused(body, **limits)
    assert isinstance(ready, PreparedRequest)
    return ready


async def submitted(storage: Storage, body: Mapping[str, Any], *, key: str = "hv-1") -> Operation:
    accepted = await submitted_again(storage, body, key=key)
    assert isinstance(accepted.operation, Operation)
    return accepted.operation


async def submitted_again(storage: Storage, body: Mapping[str, Any], *, key: str = "hv-1") -> Accepted:
    submission = Submission(
        prepared=prepared(body),
        client="local",
        key=IdempotencyKey.of_batches(key, client="local"),
        correlation_id=IDENTITY.correlation_id,
    )
    return await submitting(storage).submit(submission)


class InThisProcess:
    """A pool for what ends no process; `on_call` is called before each computation."""

    def __init__(self, on_call: Callable[[], None] = lambda: None) -> None:
        self._on_call = on_call

    async def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._on_call()
        return function(*args, **kwargs)


class BatchSteps:
    """The steps of a batch in one worker."""

    def __init__(self, storage: Storage, pool: Any = None) -> None:
        self.registry = CollectorRegistry()
        work = WorkAtHand(storage, UnderWay())
        analyze = AnalyzeStep(storage, work, pool or InThisProcess(), WorkerMetrics(self.registry))
        self.analyzing = analyze.analyze_chunks
        self.concluding = ConcludeBatchStep(storage, work).conclude_batch

    async def analyze(
        self, operation_id: str, *, lane: int = 0, lanes: int = 1, seconds: float = 600.0
    ) -> AnalyzeChunksResult:
        step = AnalyzeChunksInput(operation_id=operation_id, lane=lane, lanes=lanes, seconds=seconds)
        return await environment_of(operation_id, WORKFLOW_TYPES[OperationType.ANALYZE_SCENARIOS]).run(
            self.analyzing, step
        )

    async def conclude(self, operation_id: str) -> ConcludeBatchResult:
        step = ConcludeBatchInput(operation_id=operation_id)
        return await environment_of(operation_id, WORKFLOW_TYPES[OperationType.ANALYZE_SCENARIOS]).run(
            self.concluding, step
        )

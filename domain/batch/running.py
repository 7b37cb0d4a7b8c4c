"""From a chunk to its lines: each run computed as a simulation of its own, none at the expense of another. Pure."""

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json

from domain.batch.chunks import Chunk, read_chunk, read_common
from domain.batch.composing import Composition, RunRefused
from domain.batch.metrics import metrics_of
from domain.batch.parts import BatchItem, Malformed, PartError
from domain.canonical import wire_text
from domain.engine.pipeline import simulate
from domain.errors import OperationInternalError, ProposalError, SimulationDisabled
from domain.recent import Recent
from domain.request import request_hash

VALIDATION_FAILED: Final = "VALIDATION_FAILED"
MAX_RECENT_CHARACTERS: Final = 16_000_000
FRAMES: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class ComputedRun:
    """A run's summary, and its line, which is the summary with the result; both JSON texts."""

    summary: str
    line: str
    is_failed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """An exception of the engine in one run, without its text."""

    run_no: int
    error_class: str
    at: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ComputedRuns:
    runs: tuple[ComputedRun, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunIdentity:
    """What a run's result says beside what its request comes to; the same for all runs of a batch."""

    correlation_id: str
    idempotency_key: str | None


def computed_runs(chunk_text: str, common_text: str, identity: RunIdentity, *, only: int | None = None) -> ComputedRuns:
    """The runs of a stored chunk in their order, or `only` the one of this number."""
    composition = _composition(common_text)
    chunk = read_chunk(chunk_text)
    runs, faults = [], []
    for run in _runs(chunk, composition):
        if only is not None and run.run_no != only:
            continue
        try:
            runs.append(run.computed(composition, identity, chunk.items[run.item_number - chunk.first_item].part))
        except MemoryError:
            raise
        except Exception as fault:  # noqa: BLE001 -- a bug in one run fails that run, whatever it is
            faults.append(_fault(run.run_no, fault))
            runs.append(run.failed(OperationInternalError))
    return ComputedRuns(runs=tuple(runs), faults=tuple(faults))


def failed_run(chunk_text: str, common_text: str, error: type[ProposalError], *, run_no: int) -> ComputedRun:
    """The run that could not be computed in any process; its item is not parsed here, which may be what ended them."""
    chunk, scenarios = from_json(chunk_text), sorted(from_json(common_text)["scenarios"])
    place, scenario = divmod(run_no - chunk["first_run"], len(scenarios))
    return _Run(
        run_no=run_no,
        item_number=chunk["first_item"] + place,
        item_id=chunk["items"][place]["id"],
        scenario=scenarios[scenario],
    ).failed(error)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    run_no: int
    item_number: int
    item_id: str
    scenario: str

    def computed(self, composition: Composition, identity: RunIdentity, item: BatchItem | Malformed) -> ComputedRun:
        try:
            request = composition.request(item, self.scenario, number=self.item_number)
        except RunRefused as refused:
            return self._failed(VALIDATION_FAILED, VALIDATION_FAILED, refused.errors)
        if not request.options.enable_proposal_simulation:
            return self.failed(SimulationDisabled)
        result = simulate(
            request,
            request_hash=request_hash(request),
            correlation_id=identity.correlation_id,
            idempotency_key=identity.idempotency_key,
        )
        summary = self._summary(
            status="SUCCEEDED", proposal_run_id=result["proposal_run_id"], metrics=metrics_of(result)
        )
        return ComputedRun(summary=summary, line=_line(summary, wire_text(result)), is_failed=False)

    def failed(self, error: type[ProposalError]) -> ComputedRun:
        return self._failed(error.code, error.detail())

    def _failed(self, code: str, message: str, errors: tuple[PartError, ...] = ()) -> ComputedRun:
        error: dict[str, Any] = {"code": code, "message": message}
        if errors:
            error["errors"] = [place._asdict() for place in errors]
        summary = self._summary(status="FAILED", error=error)
        return ComputedRun(summary=summary, line=_line(summary, "null"), is_failed=True)

    def _summary(
        self,
        *,
        status: str,
        proposal_run_id: str | None = None,
        metrics: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
    ) -> str:
        return wire_text(
            {
                "run_no": self.run_no,
                "item_id": self.item_id,
                "scenario": self.scenario,
                "status": status,
                "proposal_run_id": proposal_run_id,
                "metrics": metrics,
                "error": error,
            }
        )


def _runs(chunk: Chunk, composition: Composition) -> Iterator[_Run]:
    run_no = chunk.first_run
    for place, item in enumerate(chunk.items):
        for scenario in composition.scenarios:
            yield _Run(run_no=run_no, item_number=chunk.first_item + place, item_id=item.id, scenario=scenario)
            run_no += 1


def _line(summary: str, result: str) -> str:
    return f'{summary[:-1]},"result":{result}}}'


def _fault(run_no: int, fault: Exception) -> Fault:
    frames = traceback.extract_tb(fault.__traceback__)[-FRAMES:]
    at = tuple(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return Fault(run_no=run_no, error_class=type(fault).__name__, at=at)


def _composition(common_text: str) -> Composition:
    composition = _RECENT.get(common_text)
    if composition is None:
        composition = read_common(common_text)
        _RECENT.remember(common_text, composition, size=len(common_text))
    return composition


_RECENT: Final[Recent[Composition]] = Recent(max_size=MAX_RECENT_CHARACTERS)

"""What people see of a batch: how far it is, its scenarios, what failed and where."""

import time
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final

from proposals_client import AsyncBatch, OperationState, Progress

from cli.output import print_fields, print_table

if TYPE_CHECKING:
    from proposals_client.models import BatchRun

SHOWN_FAILURES: Final = 20
STATUSES: Final = ("READY", "PENDING_REVIEW", "BLOCKED")
NOTHING: Final = "-"
EXACT: Final = Context(prec=200)


class Pace:
    """How fast runs are done, from the first look on."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def text(self, progress: Progress) -> str:
        now = time.monotonic()
        if self._first is None:
            self._first = (now, progress.done)
        began, done = self._first
        counted = f"{progress.done} of {progress.total} runs, {progress.failed} failed"
        if now <= began or progress.done <= done:
            return counted
        rate = (progress.done - done) / (now - began)
        return f"{counted}, {rate:.0f} runs/s, {(progress.total - progress.done) / rate:.0f} s left"


def batch_fields(state: OperationState) -> Mapping[str, object]:
    """What an ended batch has beside what every operation has."""
    result: Mapping[str, Any] = state.document["result"] or {}
    fields: dict[str, object] = {}
    if (progress := state.progress) is not None:
        fields["runs"] = f"{progress.succeeded} of {progress.total} computed, {progress.failed} failed"
    return fields | {
        "warnings": ", ".join(result.get("warnings", ())) or None,
        "results hash": result.get("results_hash"),
    }


async def print_runs(batch: AsyncBatch, state: OperationState) -> None:
    """Print the scenarios of an ended batch, and which runs failed."""
    result, progress = state.document["result"], state.progress
    if result is not None:
        heads = ("scenario", *STATUSES, "failed", "gates", "turnover")
        print_table("Scenarios", heads, [_scenario(*named) for named in result["scenarios"].items()])
    if progress is not None and progress.failed:
        failures = await failures_of(batch.find_runs(status="FAILED", limit=500))
        print_table("Failures", ("item", "scenarios", "what and where"), failures[:SHOWN_FAILURES])
        if len(failures) > SHOWN_FAILURES:
            print_fields("Failures that are not shown", {"all": f"proposals batch export {state.operation_id} -o FILE"})


async def failures_of(runs: AsyncIterable["BatchRun"]) -> list[tuple[str, str, str]]:
    """Item, scenarios and what is wrong, with a row for all scenarios in which the same is; one more than are shown."""
    found: dict[tuple[str, str], list[str]] = {}
    async for run in runs:
        found.setdefault((run.item_id, _what(run)), []).append(run.scenario)
        if len(found) > SHOWN_FAILURES:
            break
    return [(item, ", ".join(scenarios), what) for (item, what), scenarios in found.items()]


def _scenario(name: str, totals: Mapping[str, Any]) -> Sequence[str]:
    turnover = totals["gross_turnover_notional_base"]
    return (
        name,
        *(str(totals["statuses"].get(status, 0)) for status in STATUSES),
        str(totals["failed"]),
        _joined(f"{gate} {count}" for gate, count in totals["gates"].items()),
        _joined(f"{currency} {_money(amount, currency)}" for currency, amount in turnover.items()),
    )


def _money(amount: str, currency: str) -> str:
    """Rounded as on the page of the batch. The operation has every digit."""
    from domain.currencies import minor_unit  # noqa: PLC0415 -- the list of currencies takes a tenth of a second

    return f"{Decimal(amount).quantize(minor_unit(currency), context=EXACT):,f}"


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(texts) or NOTHING


def _what(run: "BatchRun") -> str:
    if run.error is None:
        return NOTHING
    places = (f"/{'/'.join(map(str, one.loc))}: {one.msg}" for one in run.error.errors or ())
    return "\n".join((run.error.message, *places))

"""A batch as a page for the desk: how far it is, its scenarios beside each other, what failed and where."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from fastapi import Response

from api.http.answers import not_modified, response_of
from api.http.headers import HTML, JSON, VARY, acceptable
from api.http.router import Context
from api.pages.batch_charts import counts_chart, turnover_chart
from api.pages.templates import PAGE_HEADERS, template
from domain.batch.metrics import STATUSES, Totals
from domain.operation import Operation, Progress
from domain.public_links import operation_path, runs_path
from domain.timestamps import wire_timestamp
from services.batch_reads import RunFilter
from services.lookup import MadeBatch

CHARTED_CURRENCIES: Final = 6
QUICK_RUNS: Final = 5000  # beyond, to find the failed runs is more work, and the page loads itself less often
FAILED: Final = "failed"
FAILED_RUNS: Final = 200


class Failure(NamedTuple):
    """An item that failed in these scenarios, for one and the same reason."""

    item_id: str
    scenarios: tuple[str, ...]
    code: str
    places: tuple[str, ...]


def is_page_asked_for(accept: str | None) -> bool:
    """Only when it is named or preferred: JSON is the answer to every other `Accept`."""
    return accept is not None and acceptable(accept, (JSON, HTML)) == HTML


async def page_of_batch(batch: Operation, context: Context, *, if_none_match: str | None) -> Response:
    """The page as it is now."""
    made = await context.services.lookup.result(batch, room=context.room)
    failed_runs: list[str] = []
    has_more = False
    if batch.progress is not None and batch.progress.failed:
        failed = await context.services.batches.page(
            batch.operation_id,
            RunFilter(status=frozenset({"FAILED"})),
            client=context.client,
            cursor=None,
            limit=FAILED_RUNS,
        )
        failed_runs, has_more = [run.text for run in failed.items], failed.next_cursor is not None
    text = made.text if isinstance(made, MadeBatch) else None
    so_far = [] if text is not None else await _computed_so_far(batch, context)
    page = await asyncio.to_thread(batch_page, batch, text, failed_runs, has_more=has_more, so_far=so_far)
    body = page.encode()
    headers = PAGE_HEADERS | VARY | {"ETag": f'"{sha256(body).hexdigest()}"'}
    return not_modified(headers, if_none_match) or response_of([body], HTML, headers=headers)


async def _computed_so_far(batch: Operation, context: Context) -> list[bytes]:
    """Summaries of a batch without a result; of a large one it would take too long to add them up for each reader."""
    if batch.progress is None or batch.progress.total > QUICK_RUNS:
        return []
    file = await context.services.batches.file(batch.operation_id, client=context.client)
    chunks = [lines async for lines in context.services.batches.summaries(file, after=-1)]
    return b"".join(chunks).splitlines()


def batch_page(
    operation: Operation,
    result_text: bytes | None,
    failed_runs: Sequence[str],
    *,
    has_more: bool,
    so_far: Sequence[bytes] = (),
) -> str:
    """The page's HTML; the same arguments give the same text.

    `failed_runs` are the summaries of the failed runs, or of the first of them when there are more; `so_far` are those
    of all computed runs of a batch that has no result.
    """
    result: Mapping[str, Any] | None = None if result_text is None else json.loads(result_text)
    scenarios: Mapping[str, Any] = _added_up(so_far) if result is None else result["scenarios"]
    counts = {name: _counts(totals) for name, totals in scenarios.items()}
    currencies = sorted({code for totals in scenarios.values() for code in totals["gross_turnover_notional_base"]})
    progress = operation.progress or Progress(total=0, succeeded=0, failed=0)
    page: str = template("batch.html.j2").render(
        operation=operation,
        progress=progress,
        done=(progress.succeeded + progress.failed) / max(progress.total, 1),
        refresh=None if operation.is_terminal else 3 if progress.total <= QUICK_RUNS else 15,
        path=operation_path(operation.operation_id),
        runs_path=runs_path(operation.operation_id),
        moments={
            name: None if moment is None else _moment(wire_timestamp(moment))
            for name, moment in (
                ("created", operation.created_at),
                ("started", operation.started_at),
                ("finished", operation.finished_at),
            )
        },
        result=result,
        scenarios=scenarios,
        counts=counts,
        counts_chart=counts_chart(counts),
        currencies=currencies,
        turnover_charts={
            code: turnover_chart(
                {name: totals["gross_turnover_notional_base"].get(code, "0") for name, totals in scenarios.items()},
                code,
            )
            for code in currencies[:CHARTED_CURRENCIES]
        },
        failures=failures_of(failed_runs),
        has_more_failures=has_more,
    )
    return page


def _added_up(so_far: Sequence[bytes]) -> Mapping[str, Any]:
    """Totals by scenario, as the result of an ended batch has them."""
    runs = [json.loads(line) for line in so_far]
    totals = Totals(sorted({run["scenario"] for run in runs}))
    for run in runs:
        totals.add(run)
    return totals.scenarios


def failures_of(summaries: Sequence[str]) -> list[Failure]:
    """By item and reason, in the order of the runs; the scenarios that have the same reason stand together."""
    found: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for run in map(json.loads, summaries):
        error = run["error"]
        places = tuple(f"/{'/'.join(map(str, one['loc']))}: {one['msg']}" for one in error.get("errors", ()))
        found.setdefault((run["item_id"], error["message"], places), []).append(run["scenario"])
    return [Failure(item_id, tuple(names), code, places) for (item_id, code, places), names in found.items()]


def _counts(totals: Mapping[str, Any]) -> dict[str, int]:
    return {status: totals["statuses"][status] for status in STATUSES} | {FAILED: totals["failed"]}


def _moment(wire: str) -> str:
    return f"{wire[:10]} {wire[11:19]} UTC"

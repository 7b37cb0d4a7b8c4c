"""What grows with the number of operations, of workers, and of positions: `python -m bench.growth`.

One service on a database that is filled to 1,000, 100,000 and 1,000,000 operations and proposals; each kind of request
is measured over HTTP, one at a time. A read that grows is shown with its plan.
"""

import argparse
import asyncio
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

import httpx2
import psycopg

from bench import growth_rows
from bench.charts import Bar, Panel, svg
from bench.load import PREFIX, HttpClient, milliseconds
from bench.measuring import running
from bench.page import ASSETS, provenance, write_section
from bench.peers_environment import ROOT
from bench.scaling import bodies_table, workers_table
from bench.subjects import Service
from domain.proposal import ProposalState
from storage.operation_list import OPERATION_LIST, OperationFilter
from storage.operations import SELECT_NEWEST_BY_CORRELATION, SELECT_OPERATION
from storage.proposal_list import PROPOSAL_LIST, ProposalFilter

SIZES: Final = (1_000, 100_000, 1_000_000)
REQUESTS: Final = 150
MAX_GROWTH: Final = 1.2
PAGE_ROWS: Final = 50
READS: Final = ("poll by id", "by correlation id", "operations, first page", "proposals, deep page", "reviewers' queue")
NOTHING: Final = "no query: /health/live"  # what it grows by is the noise of the machine


@dataclass(slots=True)
class Measured:
    """Milliseconds, p50, and pages by kind of request and number of operations; plans of the reads that grew."""

    times: dict[str, dict[int, float]] = field(default_factory=dict)
    pages: dict[str, dict[int, int]] = field(default_factory=dict)
    plans: dict[str, list[str]] = field(default_factory=dict)


class Requests:
    """One request of each kind, about operations that are drawn anew each time; drafts are those of `fresh`."""

    def __init__(self, http: HttpClient, reader: httpx2.AsyncClient, *, size: int, fresh: range) -> None:
        self._client = http
        self._http = reader
        self._size = size
        self._random = Random(size)  # noqa: S311 -- the same draw in every run
        self._drafts = [number for number in fresh if growth_rows.state(number) == "DRAFT"]
        self._random.shuffle(self._drafts)

    def kinds(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        reads = (self.poll, self.by_correlation, self.first_page, self.deep_page, self.queue)
        others = {"create": self.create, "transition": self.transition, NOTHING: self.nothing}
        return dict(zip(READS, reads, strict=True)) | others

    async def poll(self) -> None:
        await self._get(f"/operations/{growth_rows.operation_id(self._any())}", include_result="false")

    async def by_correlation(self) -> None:
        correlation_id = growth_rows.correlation_id(self._any())
        await self._get(f"/operations/by-correlation/{correlation_id}", include_result="false")

    async def first_page(self) -> None:
        await self._get("/operations", limit=PAGE_ROWS)

    async def deep_page(self) -> None:
        await self._get("", limit=PAGE_ROWS, cursor=growth_rows.proposal_id(self._any()))

    async def queue(self) -> None:
        await self._get("", state="RISK_REVIEW", limit=PAGE_ROWS)

    async def create(self) -> None:
        await self._client.finish(await self._client.submit(uuid.uuid4().hex))

    async def transition(self) -> None:
        event = {"event_type": "SUBMITTED_FOR_RISK_REVIEW", "actor_id": "advisor_x", "expected_state": "DRAFT"}
        path = f"{PREFIX}/{growth_rows.proposal_id(self._drafts.pop())}/transitions"
        (await self._http.post(path, json=event)).raise_for_status()

    async def nothing(self) -> None:
        (await self._http.get("/health/live")).raise_for_status()

    async def _get(self, path: str, **parameters: Any) -> None:
        (await self._http.get(f"{PREFIX}{path}", params=parameters)).raise_for_status()

    def _any(self) -> int:
        return self._random.randrange(self._size)


async def measure(sizes: Sequence[int]) -> Measured:
    measured = Measured()
    async with running(partial(Service, checkout=ROOT)) as service:
        filled = 0
        for size in sizes:
            began = time.monotonic()
            fresh = range(filled, size)
            await asyncio.to_thread(growth_rows.fill, service.dsn, fresh)
            filled = size
            print(f"{size:,} operations after {time.monotonic() - began:.0f} s", file=sys.stderr)
            for kind, milliseconds_of in (await times_of(service, fresh)).items():
                measured.times.setdefault(kind, {})[size] = milliseconds_of
            for kind in READS:
                measured.pages.setdefault(kind, {})[size] = pages_read(service.dsn, kind, size)
        for kind in READS:
            if growth(measured.times[kind]) > MAX_GROWTH:
                measured.plans[kind] = plan(service.dsn, kind, sizes[-1])
    return measured


async def times_of(service: Service, fresh: range) -> dict[str, float]:
    url = service.urls[0]
    times: dict[str, list[float]] = {}
    async with HttpClient(url) as client, httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False) as reader:
        kinds = Requests(client, reader, size=fresh.stop, fresh=fresh).kinds()
        for _ in range(REQUESTS):  # in turn, so that what disturbs one disturbs all
            for kind, request in kinds.items():
                began = time.perf_counter()
                await request()
                times.setdefault(kind, []).append(time.perf_counter() - began)
    # Without the first, which find nothing in memory.
    return {kind: milliseconds(took[REQUESTS // 10 :]) for kind, took in times.items()}


def growth(times: Mapping[int, float]) -> float:
    """The time at the largest number of rows as a multiple of that at the smallest."""
    return times[max(times)] / times[min(times)]


def statement_of(kind: str, size: int) -> tuple[str, dict[str, Any]]:
    """What a read asks PostgreSQL, about an operation in the middle."""
    number = size // 3
    page = {"client": growth_rows.CLIENT, "limit": PAGE_ROWS + 1}
    deep = page | {
        "after_id": growth_rows.proposal_id(number),
        "after_created_at": growth_rows.rows_of(number)["proposals"][8],
    }
    queue = ProposalFilter(current_state=(ProposalState.RISK_REVIEW,))
    correlation = {"correlation_id": growth_rows.correlation_id(number), "client": growth_rows.CLIENT}
    statements: dict[str, tuple[str, dict[str, Any]]] = {
        "poll by id": (SELECT_OPERATION, {"operation_id": growth_rows.operation_id(number)}),
        "by correlation id": (SELECT_NEWEST_BY_CORRELATION, correlation),
        "operations, first page": (OPERATION_LIST.statement(OperationFilter(), None), page),
        "proposals, deep page": (PROPOSAL_LIST.statement(ProposalFilter(), deep["after_id"]), deep),
        "reviewers' queue": (PROPOSAL_LIST.statement(queue, None), page | {"current_state": ["RISK_REVIEW"]}),
    }
    return statements[kind]


def plan(dsn: str, kind: str, size: int) -> list[str]:
    return [row[0] for row in explained(dsn, kind, size, "ANALYZE, BUFFERS, COSTS OFF")]


def pages_read(dsn: str, kind: str, size: int) -> int:
    """Pages of 8 kB that a read looks at, wherever they are: what a busy machine does not change."""
    root = explained(dsn, kind, size, "ANALYZE, BUFFERS, FORMAT JSON")[0][0][0]["Plan"]
    return int(root["Shared Hit Blocks"] + root["Shared Read Blocks"])


def explained(dsn: str, kind: str, size: int, options: str) -> list[tuple[Any, ...]]:
    statement, parameters = statement_of(kind, size)
    with psycopg.connect(dsn, cursor_factory=psycopg.ClientCursor) as connection:
        return connection.execute(f"EXPLAIN ({options}) {statement}", parameters).fetchall()


def table(measured: Measured) -> list[str]:
    sizes = list(next(iter(measured.times.values())))
    heads = ["p50 ms", *(f"{size:,}" for size in sizes), "largest to smallest", "", "pages that the statement reads"]
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(sizes) + 1) + "|---|---:|"]
    for kind, times in measured.times.items():
        is_met = growth(times) <= MAX_GROWTH
        verdict = "" if kind not in READS else "met" if is_met else f"**over {MAX_GROWTH}**"
        figures = [*(f"{times[size]:.1f}" for size in sizes), f"{growth(times):.2f}", verdict]
        pages = " / ".join(map(str, measured.pages.get(kind, {}).values()))
        lines.append(f"| {kind} | {' | '.join(figures)} | {pages} |")
    for kind, shown in measured.plans.items():
        lines += ["", f"The plan of *{kind}* at {sizes[-1]:,}:", "", "```text", *shown, "```"]
    return lines


def chart(measured: Measured) -> str:
    sizes = list(next(iter(measured.times.values())))
    bars = [Bar(f"{kind}, {size:,}", {"p50": times[size]}) for kind, times in measured.times.items() for size in sizes]
    return svg(Panel("p50 ms, by number of operations", bars))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of operations, ascending")
    parser.add_argument("--only", choices=("rows", "workers", "bodies"), nargs="+", help="not all three")
    parser.add_argument(
        "--page", action="store_true", help="write what was measured into docs/explanation/benchmarks.md"
    )
    asked = parser.parse_args()
    sections: dict[str, list[str]] = {}
    only = asked.only or ("rows", "workers", "bodies")
    if "rows" in only:
        measured = asyncio.run(measure(asked.sizes))
        sections["growth"] = table(measured)
        if asked.page:
            (ASSETS / "bench-growth.svg").write_text(chart(measured))
    if "workers" in only:
        sections["workers"] = asyncio.run(workers_table())
    if "bodies" in only:
        sections["bodies"] = asyncio.run(bodies_table())
    for name, lines in sections.items():
        print("", *lines, sep="\n")
        if asked.page:
            write_section(name, [*provenance("make bench-growth"), "", *lines])


if __name__ == "__main__":
    main()

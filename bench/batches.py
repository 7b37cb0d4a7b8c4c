"""Batches beside single calls: `python -m bench.batches [--quick] [--page]`.

Everything is started here, on fresh data and free ports. A house view of 500 portfolios of 60 positions, whose 2,000
instruments are shared, is submitted as a batch, in one and in three scenarios; the same portfolios are simulated by a
loop of single calls with eight clients. `--quick` measures 40 portfolios once.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import httpx2
import psycopg
from temporalio.client import Client as TemporalClient

from bench.batch_requests import a_house_view, single_requests
from bench.load import PREFIX, Client, HttpClient, marks, milliseconds
from bench.machine import Meter
from bench.measuring import running, warm_up
from bench.page import budget_line, provenance, write_section
from bench.peers_environment import ROOT
from bench.subjects import Service, kill
from domain.batch.chunks import Chunk, chunk_text, common_text
from domain.batch.request import AnalyzeRequest
from domain.batch.running import RunIdentity, computed_runs
from domain.evidence import simulate_document
from domain.request import SimulateRequest, request_document, request_hash

MAX_ROWS: Final = 5_000_000
CHUNK_ITEMS: Final = 25
SINGLE_CLIENTS: Final = 8
CREATES_A_SECOND: Final = 10.0
POLLS: Final = 200
STORED: Final = """
SELECT sum(octet_length(d.content) + octet_length(c.summaries))::float / sum(c.runs)
FROM batch_chunks c JOIN documents d ON d.sha256 = c.result_document WHERE c.operation_id = %s
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    items: int = 500
    repeats: int = 5
    calm_seconds: float = 40.0
    unreduced: int = 5  # runs


FULL: Final = Plan()
QUICK: Final = Plan(items=40, repeats=1, calm_seconds=3.0, unreduced=2)


@dataclass(slots=True)
class Measured:
    """Seconds but where a name says otherwise, and None for what was not measured."""

    cpu_ms: float = 0.0
    cpu_ms_unreduced: float = 0.0
    body_mb: float = 0.0
    post: list[float] = field(default_factory=list)
    first_run: list[float] = field(default_factory=list)
    one_scenario: list[float] = field(default_factory=list)
    three_scenarios: float = 0.0
    worker_cpu_of_three: float = 0.0
    beside_creates: list[float] = field(default_factory=list)
    create_calm: list[float] = field(default_factory=list)
    create_beside: list[float] = field(default_factory=list)
    poll_ms: dict[int, float] = field(default_factory=dict)  # by chunks
    stored_bytes: float = 0.0
    events: int = 0
    resumed: float | None = None
    singles: dict[str, float] = field(default_factory=dict)


def engine_part(body: dict[str, Any], measured: Measured, *, unreduced: int) -> None:
    """CPU of a run as a worker computes a chunk, and of a call with all that is shared."""
    request = AnalyzeRequest.model_validate(body, context={"max_rows": MAX_ROWS})
    common = common_text(request.shared, request.scenarios, max_rows=MAX_ROWS)
    items = request.items[:CHUNK_ITEMS]
    text = chunk_text(Chunk(first_item=0, first_run=0, items=items))
    identity = RunIdentity(correlation_id="bench", idempotency_key="bench")
    computed_runs(text, common, identity)  # what all share is parsed once a process
    began = time.process_time()
    computed_runs(text, common, identity)
    measured.cpu_ms = (time.process_time() - began) * 1000 / len(items)
    texts = [json.dumps(single) for single in itertools.islice(single_requests(body, is_reduced=False), unreduced)]
    began = time.process_time()
    for text in texts:
        single = SimulateRequest.model_validate_json(text)
        document = request_document(single)
        simulate_document(
            document, kind="simulate", request_hash=request_hash(single), correlation_id="b", idempotency_key=None
        )
    measured.cpu_ms_unreduced = (time.process_time() - began) * 1000 / len(texts)


class Desk:
    """A program that submits batches and follows them."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def submit(self, body: bytes) -> str:
        """The batch's URL."""
        headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
        answer = await self._http.post(f"{PREFIX}/analyze/async", content=body, headers=headers)
        answer.raise_for_status()
        url: str = answer.json()["status_url"]
        return url

    async def state(self, url: str, *, wait: float = 0) -> dict[str, Any]:
        answer = await self._http.get(url, params={"wait": wait, "include_result": "false"})
        answer.raise_for_status()
        state: dict[str, Any] = answer.json()
        return state

    async def ended(self, url: str) -> dict[str, Any]:
        while (state := await self.state(url, wait=20))["status"] in ("PENDING", "RUNNING"):
            pass
        if state["status"] != "SUCCEEDED" or state["progress"]["failed"]:
            raise RuntimeError(f"{url} ended {state['status']} with {state['progress']}")
        return state

    async def first_run(self, url: str) -> None:
        while not (await self._http.get(f"{url}/runs", params={"limit": 1})).json()["items"]:  # noqa: ASYNC110 -- over HTTP
            await asyncio.sleep(0.01)

    async def simulate(self, body: bytes) -> None:
        headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
        (await self._http.post(f"{PREFIX}/simulate", content=body, headers=headers)).raise_for_status()


@asynccontextmanager
async def desk_of(service: Service) -> AsyncIterator[Desk]:
    limits = httpx2.Limits(max_connections=SINGLE_CLIENTS + 2)
    async with httpx2.AsyncClient(base_url=service.urls[0], timeout=120, trust_env=False, limits=limits) as http:
        yield Desk(http)


async def measure(plan: Plan) -> Measured:
    measured = Measured()
    one, three = (a_house_view(plan.items, scenarios=scenarios) for scenarios in (1, 3))
    engine_part(one, measured, unreduced=plan.unreduced)
    one_body, three_body = (json.dumps(body).encode() for body in (one, three))
    measured.body_mb = len(one_body) / 1e6
    async with running(partial(Service, checkout=ROOT)) as service, desk_of(service) as desk:
        await warm_up(service.connect())
        small = await desk.submit(json.dumps(a_house_view(2 * CHUNK_ITEMS)).encode())
        await desk.ended(small)
        for _ in range(plan.repeats):
            url = await batch_of_one_scenario(desk, one_body, measured)
        measured.stored_bytes, measured.events = stored_a_run(service, url), await events(service, url)
        meter, began = Meter(service.roles()), time.perf_counter()
        large = await desk.submit(three_body)
        await desk.ended(large)
        measured.three_scenarios = time.perf_counter() - began
        measured.worker_cpu_of_three = meter.read().cpu["worker"]
        measured.poll_ms = {2: await polls(desk, small), -(-plan.items * 3 // 24): await polls(desk, large)}
        await beside_creates(service, desk, (one_body, three_body), plan, measured)
        for name, is_reduced in (("each with its own prices", True), ("each with all 2,000 prices", False)):
            bodies = [json.dumps(single).encode() for single in single_requests(one, is_reduced=is_reduced)]
            measured.singles[name] = await seconds_of(single_calls(desk, bodies))
        measured.resumed = await resumed(service, three_body)
    return measured


async def batch_of_one_scenario(desk: Desk, body: bytes, measured: Measured) -> str:
    began = time.perf_counter()
    url = await desk.submit(body)
    accepted = time.perf_counter()
    measured.post.append(accepted - began)
    await desk.first_run(url)
    measured.first_run.append(time.perf_counter() - accepted)
    await desk.ended(url)
    measured.one_scenario.append(time.perf_counter() - began)
    return url


async def beside_creates(
    service: Service, desk: Desk, bodies: tuple[bytes, bytes], plan: Plan, measured: Measured
) -> None:
    """Creates at ten a second: alone, then as long as batches run beside them."""
    stop = asyncio.Event()
    calm = asyncio.create_task(paced_creates(service, stop))
    await asyncio.sleep(plan.calm_seconds)
    stop.set()
    measured.create_calm = await calm
    stop = asyncio.Event()
    beside = asyncio.create_task(paced_creates(service, stop))
    for _ in range(plan.repeats):
        measured.beside_creates.append(await seconds_of(submitted_to_its_end(desk, bodies[0])))
        await submitted_to_its_end(desk, bodies[1])
    stop.set()
    measured.create_beside = await beside


async def paced_creates(service: Service, stop: asyncio.Event) -> list[float]:
    """Seconds from each submission to its end; a slow one holds up no other."""
    took: list[float] = []

    async def one(client: Client, mark: str) -> None:
        began = time.perf_counter()
        await client.finish(await client.submit(mark))
        took.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        for mark in marks(1_000_000):
            if stop.is_set():
                break
            group.create_task(_with_own_connection(service, partial(one, mark=mark)))
            await asyncio.sleep(1 / CREATES_A_SECOND)
    return took


async def _with_own_connection(service: Service, work: Any) -> None:
    async with HttpClient(service.urls[0]) as client:
        await work(client)


async def submitted_to_its_end(desk: Desk, body: bytes) -> None:
    await desk.ended(await desk.submit(body))


async def single_calls(desk: Desk, bodies: list[bytes]) -> None:
    waiting: Iterator[bytes] = iter(bodies)

    async def one() -> None:
        for body in waiting:
            await desk.simulate(body)

    await asyncio.gather(*(one() for _ in range(SINGLE_CLIENTS)))


async def seconds_of(work: Awaitable[None]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def polls(desk: Desk, url: str) -> float:
    took = []
    for _ in range(POLLS):
        began = time.perf_counter()
        await desk.state(url)
        took.append(time.perf_counter() - began)
    return milliseconds(took)


def stored_a_run(service: Service, url: str) -> float:
    with psycopg.connect(service.dsn) as connection:
        row = connection.execute(STORED, [url.rpartition("/")[2]]).fetchone()
    return float(row[0]) if row else 0.0


async def events(service: Service, url: str) -> int:
    client = await TemporalClient.connect(service.temporal_address)
    return (await client.get_workflow_handle(url.rpartition("/")[2]).describe()).history_length


async def resumed(service: Service, body: bytes) -> float | None:
    """Seconds from the restart of everything to the next run of a batch that was killed in its midst."""
    async with desk_of(service) as desk:
        url = await desk.submit(body)
        await desk.first_run(url)
        await asyncio.to_thread(kill, service)
    await service.start()
    began = time.perf_counter()
    async with desk_of(service) as desk:
        before = (await desk.state(url))["progress"]["remaining"]
        while before and (await desk.state(url))["progress"]["remaining"] == before:  # noqa: ASYNC110 -- over HTTP
            await asyncio.sleep(0.05)
        took = time.perf_counter() - began
        await desk.ended(url)
    return took if before else None  # it had ended before the signal


def seconds(took: list[float]) -> float:
    """Their median."""
    return milliseconds(took) / 1000


def table(measured: Measured, plan: Plan) -> list[str]:
    """Budgets of the full size; with another size they say nothing."""
    one, three = plan.items, 3 * plan.items
    p99 = partial(milliseconds, percentile=99)
    per_core = three / measured.worker_cpu_of_three
    ratio = measured.cpu_ms_unreduced / measured.cpu_ms
    slower = p99(measured.create_beside) / p99(measured.create_calm)
    lines = [
        "| what | target | measured | |",
        "|---|---|---:|---|",
        budget_line("CPU of a run, engine part, ms", "<= 5", measured.cpu_ms, at_most=5),
        budget_line("... of a call with all that is shared, as a multiple", ">= 10", ratio, at_least=10),
        budget_line(f"POST of {measured.body_mb:.1f} MB, p50 s", "<= 0.8", seconds(measured.post), at_most=0.8),
        budget_line("first runs readable after the 202, p50 s", "<= 1", seconds(measured.first_run), at_most=1),
        budget_line(f"{one} x 1, submit to SUCCEEDED, p50 s", "<= 6", seconds(measured.one_scenario), at_most=6),
        budget_line(f"{one} x 1 beside 10 creates/s, p50 s", "<= 10", seconds(measured.beside_creates), at_most=10),
        budget_line(f"{one} x 3, submit to SUCCEEDED, s", "<= 15", measured.three_scenarios, at_most=15),
        budget_line("runs/s of a core of workers", ">= 120", per_core, at_least=120),
        budget_line("create p99 beside running batches, to that without", "<= 1.5", slower, at_most=1.5),
        budget_line("next run after kill -9 of everything and a restart, s", "<= 15", measured.resumed, at_most=15),
        budget_line("stored a run, kB", "<= 6", measured.stored_bytes / 1000, at_most=6),
        budget_line(f"Temporal events of {one} runs", "<= 60", float(measured.events), at_most=60),
    ]
    lines += [
        budget_line(f"poll of a batch of {chunks} chunks, p50 ms", "<= 3", took, at_most=3)
        for chunks, took in measured.poll_ms.items()
    ]
    lines += ["", f"| {one} portfolios in one scenario | s | runs/s |", "|---|---:|---:|"]
    batch = seconds(measured.one_scenario)
    ways = {"one batch": batch} | {
        f"single simulate calls by {SINGLE_CLIENTS} clients, {name}": took for name, took in measured.singles.items()
    }
    return lines + [f"| {name} | {took:.1f} | {one / took:.0f} |" for name, took in ways.items()]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.batches", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="40 portfolios, once, and no page")
    parser.add_argument(
        "--page", action="store_true", help="write what was measured into docs/explanation/benchmarks.md"
    )
    asked = parser.parse_args()
    if asked.quick and asked.page:
        parser.error("the page has the full size: leave one of --quick and --page out")
    plan = QUICK if asked.quick else FULL
    began = time.monotonic()
    lines = table(asyncio.run(measure(plan)), plan)
    print(*lines, sep="\n")
    print(f"\n{time.monotonic() - began:.0f} s", file=sys.stderr)
    if asked.page:
        write_section("batches", [*provenance("make bench-batches"), "", *lines])


if __name__ == "__main__":
    main()

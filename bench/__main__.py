"""Measure a running service beside the bare engine: `make dev` in one terminal, `make bench` in another.

Everything shares one machine, so compare the rows with each other, not with another day's.
"""

import argparse
import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
from temporalio.client import Client

from bench.bare_engine import TASK_QUEUE, ThreeLocalSteps, bare_worker

SAMPLE = Path(__file__).parent.parent / "examples" / "create_proposal.json"
CLIENTS = 40
ONE_IN_FLIGHT = 100
SATURATING = 600


class ServiceUnderTest:
    """The service's clients; each call answers how long its parts took, in seconds."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        self._body = SAMPLE.read_bytes()
        self.posts: list[float] = []
        self.reads: list[float] = []

    async def create(self) -> None:
        began = time.perf_counter()
        accepted = await self._http.post(
            "/rebalance/proposals/async",
            content=self._body,
            headers={"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"},
        )
        accepted.raise_for_status()
        self.posts.append(time.perf_counter() - began)
        url = accepted.json()["status_url"]
        while (await self._read(url, wait=20))["status"] != "SUCCEEDED":
            pass
        began = time.perf_counter()
        await self._read(url, wait=0)
        self.reads.append(time.perf_counter() - began)

    async def _read(self, url: str, *, wait: int) -> dict[str, str]:
        answer = await self._http.get(url, params={"wait": wait, "include_result": "false"})
        answer.raise_for_status()
        status: dict[str, str] = answer.json()
        if status["status"] == "FAILED":
            raise RuntimeError(f"{url} FAILED")
        return status


async def timed(work: Callable[[], Awaitable[object]], *, count: int, at_once: int) -> tuple[list[float], float]:
    """(seconds of each call, calls a second)."""
    slots = asyncio.Semaphore(at_once)
    took: list[float] = []

    async def one() -> None:
        async with slots:
            began = time.perf_counter()
            await work()
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return took, count / (time.perf_counter() - began)


def spread(seconds: list[float]) -> str:
    p99 = statistics.quantiles(seconds, n=100)[98]
    return f"{statistics.median(seconds) * 1000:.1f} / {p99 * 1000:.1f} ms"


async def measure(url: str, temporal: str) -> list[tuple[str, str]]:
    client = await Client.connect(temporal)
    limits = httpx2.Limits(max_connections=2 * CLIENTS, max_keepalive_connections=2 * CLIENTS)
    async with (
        bare_worker(client),
        httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False, limits=limits) as http,
    ):

        async def bare() -> None:
            await client.execute_workflow(ThreeLocalSteps.run, id=uuid.uuid4().hex, task_queue=TASK_QUEUE)

        service = ServiceUnderTest(http)
        await timed(bare, count=20, at_once=4)
        await timed(service.create, count=20, at_once=4)
        bare_took, _ = await timed(bare, count=ONE_IN_FLIGHT, at_once=1)
        _, bare_rate = await timed(bare, count=SATURATING, at_once=CLIENTS)
        service.posts.clear()
        service.reads.clear()
        took, _ = await timed(service.create, count=ONE_IN_FLIGHT, at_once=1)
        rows = [
            ("bare engine, one in flight, p50 / p99", spread(bare_took)),
            ("submit to SUCCEEDED, one in flight, p50 / p99", spread(took)),
            ("  of the bare engine's p50", f"{statistics.median(took) / statistics.median(bare_took):.2f} times"),
            ("POST async, one in flight, p50 / p99", spread(service.posts)),
            ("GET operation, one in flight, p50 / p99", spread(service.reads)),
        ]
        _, rate = await timed(service.create, count=SATURATING, at_once=CLIENTS)
    return [
        *rows,
        (f"bare engine, {CLIENTS} in flight", f"{bare_rate:.1f} a second"),
        (f"creates, {CLIENTS} clients", f"{rate:.1f} a second"),
        ("  of the bare engine's", f"{rate / bare_rate:.2f}"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--temporal", default="127.0.0.1:7233")
    asked = parser.parse_args()
    print("| what | measured |\n|---|---|")
    for what, measured in asyncio.run(measure(asked.url, asked.temporal)):
        print(f"| {what} | {measured} |")


if __name__ == "__main__":
    main()

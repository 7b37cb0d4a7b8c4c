"""Creates by the number of workers, and by the number of positions in a body."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from bench.engine import a_body
from bench.load import SAMPLE, HttpClient, closed_loop, milliseconds
from bench.machine import Meter
from bench.measuring import CLIENTS, running, warm_up
from bench.peers_environment import ROOT
from bench.results import ROLES
from bench.subjects import Service
from cli.local.children import Child

WORKERS: Final = (1, 2, 4)
CREATES: Final = 400
CREATES_OF_A_BODY: Final = {3: 60, 300: 40, 5_000: 10}  # by positions


async def workers_table() -> list[str]:
    lines = ["| workers | creates/s, 40 clients | CPU ms a create of all workers |", "|---:|---:|---:|"]
    for count in WORKERS:
        async with running(partial(Service, checkout=ROOT)) as service:
            with more_workers(service, count - 1) as more:
                await warm_up(service.connect())
                roles = service.roles()
                meter = Meter({"worker": [*roles["worker"], *(child.pid for child in more)]})
                began = time.perf_counter()
                await closed_loop(service.connect(), clients=CLIENTS, count=CREATES)
                rate = CREATES / (time.perf_counter() - began)
                spent = meter.read().cpu["worker"] * 1000 / CREATES
        lines.append(f"| {count} | {rate:.1f} | {spent:.1f} |")
    return lines


@contextmanager
def more_workers(service: Service, count: int) -> Iterator[list[Child]]:
    """As many more, each with the environment of the one that runs."""
    first = service.roles()["worker"][0]
    pairs = [entry.partition("=") for entry in Path(f"/proc/{first}/environ").read_text().split("\0") if entry]
    environment = {name: value for name, _, value in pairs}
    command = [ROOT / ".venv" / "bin" / "python", "-m", "cli.main", "worker"]
    workers = [
        Child.start("worker", command, log=service.folder / f"worker-{number}.log", env=environment, cwd=ROOT)
        for number in range(count)
    ]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.stop(grace_seconds=10)


async def bodies_table() -> list[str]:
    """One create in flight."""
    heads = ["positions", "body kB", "submit p50 ms", "done p50 ms", *(f"{role} CPU ms" for role in ROLES)]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---:|" * len(heads)]
    async with running(partial(Service, checkout=ROOT)) as service:
        await warm_up(service.connect())
        for positions, count in CREATES_OF_A_BODY.items():
            body = SAMPLE | {"simulate_request": a_body(positions)}
            submits, dones = [], []
            meter = Meter(service.roles())
            async with HttpClient(service.urls[0], sample=body) as client:
                for _ in range(count):
                    began = time.perf_counter()
                    accepted = await client.submit(uuid.uuid4().hex)
                    submits.append(time.perf_counter() - began)
                    await client.finish(accepted)
                    dones.append(time.perf_counter() - began)
            cpu = meter.read().cpu
            figures = [f"{positions:,}", f"{len(json.dumps(body)) / 1000:.1f}"]
            figures += [f"{milliseconds(submits):.1f}", f"{milliseconds(dones):.1f}"]
            figures += [f"{cpu[role] * 1000 / count:.1f}" for role in ROLES]
            lines.append("| " + " | ".join(figures) + " |")
    return lines

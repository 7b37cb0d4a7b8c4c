"""What hostile clients cost the others: `make dev` in one terminal, `make bench-hostile` in another.

Everything is sent to this machine only, bounded in number and time, and measured from outside: what others are answered
and how long they wait for it, the memory of the API's process, and PostgreSQL's own count of transactions.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import re
import signal
import statistics
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psutil
import psycopg

from bench.attacks import ATTACKS, attack, client_of, submit
from bench.load import PREFIX, SAMPLE, milliseconds

WAITERS = 500
BYSTANDERS = 4  # well-behaved clients, each one request after the other
QUIET_SECONDS = 20.0
PAUSE_SECONDS = 0.02


@dataclass
class Others:
    """What well-behaved clients get meanwhile."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)

    def p99(self) -> dict[str, float]:
        every = {"all": [second for took in self.seconds.values() for second in took], **self.seconds}
        return {what: milliseconds(took, percentile=99) for what, took in every.items()}


class Target:
    """The service under attack."""

    def __init__(self, url: str, api: psutil.Process, dsn: str) -> None:
        self.url = url
        self.api = api
        self.dsn = dsn

    def forget_high_water(self) -> None:
        for process in self.processes():
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")

    def processes(self) -> list[psutil.Process]:
        return [self.api, *self.api.children(recursive=True)]

    def high_water(self) -> list[int]:
        """MB of the API's process and of each of its readers."""
        found = []
        for process in self.processes():
            status = Path(f"/proc/{process.pid}/status").read_text()
            found.append(int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024)
        return found

    def row(self, statement: str) -> int:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return connection.execute(statement).fetchone()[0]


@contextlib.asynccontextmanager
async def bystanders(target: Target) -> AsyncIterator[Others]:
    others = Others()
    stop = asyncio.Event()
    async with client_of(target.url) as http:
        accepted = await submit(http)
        calls: dict[str, Callable[[], Awaitable[httpx2.Response]]] = {
            "health": lambda: http.get("/health/ready"),
            "read": lambda: http.get(accepted.json()["status_url"], params={"include_result": "false"}),
            "submit": lambda: submit(http),
        }

        async def go_on() -> None:
            while not stop.is_set():
                for what, call in calls.items():
                    began = time.perf_counter()
                    answer = await call()
                    others.seconds.setdefault(what, []).append(time.perf_counter() - began)
                    others.statuses[f"{what} {answer.status_code}"] += 1
                    await asyncio.sleep(PAUSE_SECONDS)

        going = [asyncio.create_task(go_on()) for _ in range(BYSTANDERS)]
        try:
            yield others
        finally:
            stop.set()
            await asyncio.gather(*going)


async def waiters(target: Target, worker: psutil.Process) -> list[tuple[str, str]]:
    """500 clients that wait for operations that no worker does; then a worker does them."""
    worker.send_signal(signal.SIGSTOP)
    try:
        async with client_of(target.url, WAITERS + 10) as http:
            accepted = await asyncio.gather(*(submit(http) for _ in range(20)))
            before = (target.api.num_threads(), target.row(CONNECTIONS))
            waits = [http.get(accepted[n % 20].json()["status_url"], params={"wait": 60}) for n in range(WAITERS // 2)]
            waits += [
                http.get(
                    f"{PREFIX}/operations/by-correlation/{accepted[n % 20].json()['correlation_id']}",
                    params={"wait": 60},
                )
                for n in range(WAITERS // 4)
            ]
            waits += [
                http.post(PREFIX, json=SAMPLE, headers={"Idempotency-Key": f"{uuid.uuid4().hex}"})
                for _ in range(WAITERS // 4)
            ]
            waiting = [asyncio.create_task(wait) for wait in waits]
            await asyncio.sleep(11)  # until idle sessions have counted what they did
            began, counted = time.perf_counter(), target.row(TRANSACTIONS)
            await asyncio.sleep(11)
            rate = (target.row(TRANSACTIONS) - counted) / (time.perf_counter() - began)
            during = (target.api.num_threads(), target.row(CONNECTIONS))
            still = sum(not task.done() for task in waiting)
            worker.send_signal(signal.SIGCONT)
            statuses = Counter(answer.status_code for answer in await asyncio.gather(*waiting))
            woken = [await woken_after(http, target) for _ in range(30)]
    finally:
        worker.send_signal(signal.SIGCONT)
    return [
        (f"transactions a second of {still} waiting clients", f"{rate:.1f}"),
        ("threads of the API, connections to PostgreSQL, before", f"{before[0]}, {before[1]}"),
        ("threads of the API, connections to PostgreSQL, meanwhile", f"{during[0]}, {during[1]}"),
        ("what they were answered", str(dict(statuses))),
        ("woken after the commit, p50 / max", f"{statistics.median(woken):.0f} / {max(woken):.0f} ms"),
    ]


TRANSACTIONS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'proposals%'
"""


async def woken_after(http: httpx2.AsyncClient, target: Target) -> float:
    """Milliseconds from the end of an operation, as its row has it, to the waiting client's answer."""
    accepted = await submit(http)
    while True:
        answer = await http.get(accepted.json()["status_url"], params={"wait": 60, "include_result": "false"})
        answered = time.time()
        if answer.json()["status"] == "SUCCEEDED":
            break
    with psycopg.connect(target.dsn) as connection:
        finished = connection.execute(
            "SELECT extract(epoch FROM finished_at) FROM operations WHERE operation_id = %s",
            (answer.json()["operation_id"],),
        ).fetchone()[0]
    return (answered - float(finished)) * 1000


async def measure(target: Target, worker: psutil.Process, attacks: list[str]) -> None:
    print("| attack | others' p99 in ms, times that without | others' answers | memory, MB | attackers got |")
    print("|---|---|---|---|---|", flush=True)
    target.forget_high_water()
    async with bystanders(target) as calm:
        await asyncio.sleep(QUIET_SECONDS)
    usual = calm.p99()
    show("none", calm, usual, target, "")

    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as attackers:
        for name in attacks:
            target.forget_high_water()
            async with bystanders(target) as others:
                outcome = await loop.run_in_executor(attackers, attack, target.url, name)
                await asyncio.sleep(1)
            show(name, others, usual, target, outcome)
            await asyncio.sleep(3)
    print("\n| waiting | measured |\n|---|---|")
    for what, measured in await waiters(target, worker):
        print(f"| {what} | {measured} |", flush=True)


def show(name: str, others: Others, usual: dict[str, float], target: Target, outcome: str) -> None:
    p99 = ", ".join(f"{what} {took:.0f} ({took / usual[what]:.1f})" for what, took in others.p99().items())
    answers = ", ".join(f"{status}: {count}" for status, count in sorted(others.statuses.items()))
    own, *readers = target.high_water()
    print(f"| {name} | {p99} | {answers} | {own} + {readers} | {outcome} |", flush=True)


def process_of(data_directory: Path, command: str) -> psutil.Process:
    """The process of `proposals dev` that serves with this data directory."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            if line[-3:] == ["-m", "cli.main", command] and str(data_directory) in json.dumps(
                process.parent().cmdline()
            ):
                return process
    raise SystemExit(f"no `proposals {command}` of a `proposals dev --data-dir {data_directory}` runs on this machine")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--data-dir", type=Path, default=Path(".proposals"), help="as given to `proposals dev`")
    parser.add_argument("--attack", choices=ATTACKS, action="append", help="this one only; may be given several times")
    asked = parser.parse_args()
    api, worker = process_of(asked.data_dir, "api"), process_of(asked.data_dir, "worker")
    dsn = api.environ()["PROPOSAL_OWNER_DATABASE_URL"]
    asyncio.run(measure(Target(asked.url, api, dsn), worker, asked.attack or list(ATTACKS)))


if __name__ == "__main__":
    main()

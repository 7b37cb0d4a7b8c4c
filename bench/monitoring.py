"""Dashboard and alerts against a running service and a real Prometheus: `make bench-monitoring`.

Every expression of the dashboard and the left side of every alert must give something. Then one thing after the other
is broken, and the alerts about it must fire; their `for` is left out, their windows and thresholds are as they are.
Those that would take hours, or a bug, fire in tests/monitoring/alerts_test.yml alone.
"""

import argparse
import asyncio
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import migrated_postgres
import psycopg
import yaml
from builders import a_body
from evidence_keys import a_key_text
from receiver import Receiver
from running_service import Clients, Service

from cli.local.children import Child
from cli.local.ports import free_port

MONITORING = Path(__file__).parent.parent / "deploy" / "monitoring"
ELSEWHERE = {"ProposalsPurgeStopped", "ProposalsBatchStalled", "ProposalsWorkflowTaskFailing"}
COMPARISON = re.compile(r"\s[<>]\s")
FIRE_SECONDS = 150
STUCK = """
UPDATE operations SET status = 'RUNNING', started_at = now() - interval '1 hour', created_at = now() - interval '1 hour'
WHERE operation_id = '{operation_id}'
"""
LOST = """
UPDATE operations SET workflow_restarts = 3, progress_at = now() - interval '1 hour'
WHERE operation_id = '{operation_id}'
"""


class Prometheus:
    def __init__(self, binary: str, folder: Path, service: Service, worker_port: int) -> None:
        self._rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())
        for rule in self.rules:
            rule.pop("for", None)
        (folder / "alerts.yml").write_text(yaml.safe_dump(self._rules))
        jobs = {"proposals-api": service.api_port, "proposals-worker": worker_port}
        configuration = {
            # Longer than a scrape may wait for PostgreSQL: the interval is also its time-out.
            "global": {"scrape_interval": "2s", "evaluation_interval": "1s"},
            "rule_files": ["alerts.yml"],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for job, port in jobs.items()
            ],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        port = free_port()
        self.http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False, timeout=10)
        self.fired: dict[str, float] = {}
        self._child = Child.start(
            "prometheus",
            [
                binary,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            log=folder / "prometheus.log",
        )

    @property
    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self._rules["groups"] for rule in group["rules"]]

    async def query(self, expression: str) -> list[dict[str, Any]]:
        answer = (await self.http.get("/query", params={"query": expression})).json()
        if answer["status"] != "success":
            raise SystemExit(f"{expression}: {answer['error']}")
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    async def watch(self) -> None:
        """Note the first time that each alert fires."""
        while True:
            with suppress(httpx2.TransportError, json.JSONDecodeError):
                for alert in (await self.http.get("/alerts")).json()["data"]["alerts"]:
                    name = alert["labels"]["alertname"]
                    if alert["state"] == "firing" and name not in self.fired:
                        self.fired[name] = time.monotonic()
            await asyncio.sleep(0.5)

    async def firing(self, *names: str) -> None:
        began = time.monotonic()
        while missing := [name for name in names if name not in self.fired]:
            if time.monotonic() - began > FIRE_SECONDS:
                raise SystemExit(f"did not fire: {', '.join(missing)}")
            await asyncio.sleep(0.5)
        print(f"  fired within {time.monotonic() - began:.0f} s: {', '.join(names)}")

    def stop(self) -> None:
        self._child.stop(grace_seconds=5)


@asynccontextmanager
async def running(binary: str, folder: Path) -> AsyncIterator[tuple[Service, Clients, Prometheus]]:
    migrated_postgres.make(folder / "migrated")
    service = Service(folder, folder / "migrated")
    worker_port = free_port()
    service.more_environment = {
        "PROPOSAL_WORKER_METRICS_PORT": str(worker_port),
        "PROPOSAL_DATABASE_POOL_SIZE": "4",
        "PROPOSAL_EVIDENCE_KEY": a_key_text(),
    }
    try:
        service.start()
        prometheus = Prometheus(binary, folder, service, worker_port)
        watching = asyncio.create_task(prometheus.watch())
        try:
            async with httpx2.AsyncClient(base_url=service.url, timeout=30, trust_env=False) as http:
                yield service, Clients(service, http), prometheus
        finally:
            watching.cancel()
            prometheus.stop()
    finally:
        service.stop()


async def has_scraped(prometheus: Prometheus) -> None:
    """Prometheus counts nothing that happens before the first scrape."""
    while True:
        with suppress(httpx2.TransportError, json.JSONDecodeError):
            if len(await prometheus.query("up == 1")) == 2:  # noqa: PLR2004 -- API and worker
                return
        await asyncio.sleep(0.2)


async def some_work(clients: Clients) -> None:
    """Operations that succeed and one that fails, a callback that is taken and one that is refused permanently."""
    without_flag = a_body()
    without_flag["simulate_request"]["options"] = {}
    with Receiver().serving() as receiver:
        receiver.answers = [(204, {}), (410, {})]
        taken = await clients.submit(body=a_body(callback={"url": receiver.url}))
        await clients.finished(taken)
        await asyncio.sleep(2)
        refused = await clients.submit(body=a_body(callback={"url": receiver.url}))
        await clients.finished(refused)
        for _ in range(5):
            await clients.finished(await clients.submit())
        await clients.finished(await clients.submit(body=without_flag))
        await asyncio.sleep(2)


async def all_give_something(prometheus: Prometheus) -> None:
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    left_sides = [COMPARISON.split(rule["expr"])[0] for rule in prometheus.rules]
    empty = [expression for expression in (*expressions, *left_sides) if not await prometheus.query(expression)]
    print(f"{len(expressions)} expressions of the dashboard and {len(left_sides)} left sides of alerts")
    print("  each gives something" if not empty else "  EMPTY: " + "\n         ".join(empty))
    if empty:
        raise SystemExit(1)


async def everything_fires(service: Service, clients: Clients, prometheus: Prometheus) -> None:
    http = clients._http  # noqa: SLF001 -- the clients of the tests, borrowed
    print("many failures, and a receiver that does not answer")
    without_flag = a_body()
    without_flag["simulate_request"]["options"] = {}
    for _ in range(8):
        await clients.submit(body=without_flag)
    for _ in range(6):
        await clients.submit(body=a_body(callback={"url": "http://127.0.0.1:1/"}))
    await prometheus.firing("ProposalsFailedRatioHigh", "ProposalsCallbacksFailing", "ProposalsCallbacksGivenUp")

    print("an old checkpoint")
    service.alter("UPDATE evidence_checkpoints SET taken_at = now() - interval '4 hours'")
    await prometheus.firing("ProposalsCheckpointsStopped")

    print("a locked table")
    with psycopg.connect(service.postgres.dsn("proposals")) as connection:
        connection.execute("LOCK TABLE operations IN ACCESS EXCLUSIVE MODE")
        path = "/rebalance/proposals/operations/pop_00000000000000000000000000000000"
        reads = [asyncio.create_task(http.get(path)) for _ in range(40)]
        await prometheus.firing("ProposalsDatabasePoolExhausted", "ProposalsSlow", "ProposalsServerErrors")
    await asyncio.gather(*reads, return_exceptions=True)

    print("no worker")
    service.kill(service.worker)
    lost = await clients.submit()
    stuck = await clients.submit()
    service.alter(STUCK.format(operation_id=stuck))
    service.alter("UPDATE callback_deliveries SET due_at = now() - interval '1 hour' WHERE status = 'PENDING'")
    await prometheus.firing(
        "ProposalsTargetDown",
        "ProposalsRunningTooOld",
        "ProposalsDeliveriesOverdue",
        "ProposalsPendingTooOld",
        "ProposalsReconcileStopped",
        "ProposalsNoWorker",
    )

    print("no Temporal, then an empty one, for an operation that was restarted too often")
    service.kill(service.temporal.child)
    await prometheus.firing("ProposalsTemporalUnreachable")
    service.lose_temporals_data()
    service.alter(LOST.format(operation_id=lost))
    service.temporal.launch()
    service.start_worker()
    await prometheus.firing("ProposalsInternalErrors")

    print("no PostgreSQL")
    service.kill(service.postgres.child)
    await prometheus.firing("ProposalsDatabaseUnavailable")
    service.postgres.start()

    never = {rule["alert"] for rule in prometheus.rules} - set(prometheus.fired) - ELSEWHERE
    if never:
        raise SystemExit(f"never fired: {', '.join(sorted(never))}")
    print(f"{len(prometheus.fired)} alerts fired; by promtool alone: {', '.join(sorted(ELSEWHERE))}")


async def run(binary: str, folder: Path) -> None:
    async with running(binary, folder) as (service, clients, prometheus):
        await has_scraped(prometheus)
        await some_work(clients)
        await asyncio.sleep(3)
        await all_give_something(prometheus)
        await everything_fires(service, clients, prometheus)


def main() -> None:
    options = argparse.ArgumentParser(description="Dashboard and alerts against a real Prometheus.")
    options.add_argument("--prometheus", default=shutil.which("prometheus"), help="the server; Debian has it")
    given = options.parse_args()
    if given.prometheus is None:
        sys.exit("prometheus is not installed: apt-get install prometheus, or --prometheus FILE")
    with tempfile.TemporaryDirectory(prefix="monitoring-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's user passes through
        asyncio.run(run(given.prometheus, Path(folder)))


if __name__ == "__main__":
    main()

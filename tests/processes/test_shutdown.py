"""What clients see of a process that is stopped while they wait."""

import asyncio
import os
import sys
from pathlib import Path

import httpx2
from builders import a_stored_operation
from http_clients import http_client
from waiting import PATIENCE_SECONDS

from cli.local.children import Child
from cli.local.ports import free_port

ROOT = Path(__file__).parents[2]
OPERATIONS = "/rebalance/proposals/operations"


async def metric(http: httpx2.AsyncClient, name: str) -> float:
    page = (await http.get("/metrics")).text
    return float(next(line.split()[1] for line in page.splitlines() if line.startswith(f"{name} ")))


async def test_an_api_that_is_stopped_answers_those_who_wait(storage, service_dsn, tmp_path):
    operation = await a_stored_operation(storage)
    port = free_port()
    api = Child.start(
        "api",
        [sys.executable, "-m", "cli.main", "api"],
        log=tmp_path / "api.log",
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "PROPOSAL_"))}
        | {
            "PROPOSAL_DATABASE_URL": service_dsn,
            "PROPOSAL_API_PORT": str(port),
            "PROPOSAL_SHUTDOWN_GRACE_SECONDS": "50",  # a wait that is not woken outlasts the limit below
            "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",  # without one the operation does not end
        },
    )
    try:
        async with http_client(f"http://127.0.0.1:{port}") as http:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    try:
                        if (await http.get("/health/live")).status_code == 200:
                            break
                    except httpx2.TransportError:
                        await asyncio.sleep(0.1)
            paths = (operation.operation_id, f"by-correlation/{operation.correlation_id}")
            polls = [asyncio.create_task(http.get(f"{OPERATIONS}/{path}?wait=60")) for path in paths]
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await metric(http, "proposals_waiters") < len(polls):
                    await asyncio.sleep(0.05)
            exit_code = asyncio.create_task(asyncio.to_thread(api.stop, grace_seconds=40))  # by SIGTERM first
            for answer in await asyncio.wait_for(asyncio.gather(*polls), 20):
                assert (answer.status_code, answer.json()["status"]) == (200, "PENDING")
                assert answer.headers["Retry-After"]
            assert await exit_code == 0
    finally:
        api.stop(grace_seconds=0)

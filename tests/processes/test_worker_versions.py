"""Workers of a version: they get no work until theirs is the current one, and a release changes it without a gap."""

import asyncio
import os
import subprocess
import time

import pytest

from cli.local.temporal_server import _binary

pytestmark = pytest.mark.timeout(180)


def temporal(service, *command: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    ran = subprocess.run(
        [_binary(), *command, "--address", service.temporal.address],
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def make_current(service, build_id: str) -> None:
    """The step of the deployment, repeated until the server has seen the new workers poll."""
    for _ in range(50):
        listed = temporal(service, "worker", "deployment", "describe", "--name", "proposals")
        if build_id in listed:
            break
        time.sleep(0.2)
    command = ("worker", "deployment", "set-current-version", "--deployment-name", "proposals")
    temporal(service, *command, "--build-id", build_id, "--yes")


async def test_a_release_takes_over_when_its_version_is_made_current(service, clients):
    environment = service.environment

    def release(build_id: str) -> None:
        service.environment = lambda: environment() | {"PROPOSAL_WORKER_BUILD_ID": build_id}
        service.start_worker()

    service.kill(service.worker)
    release("one")
    first = service.worker
    await asyncio.sleep(3)
    waiting = await clients.submit()
    await asyncio.sleep(3)
    assert service.rows(f"SELECT status FROM operations WHERE operation_id = '{waiting}'") == [("PENDING",)]

    make_current(service, "one")
    assert (await clients.finished(waiting))["status"] == "SUCCEEDED"
    service.wait_for("ok")

    release("two")
    await asyncio.sleep(3)
    assert (await clients.finished(await clients.submit()))["status"] == "SUCCEEDED"  # still by the first
    make_current(service, "two")
    assert first.stop(grace_seconds=20) == 0
    last = await clients.submit()
    assert (await clients.finished(last))["status"] == "SUCCEEDED"
    assert '"two"' in temporal(service, "workflow", "describe", "--workflow-id", last, "--output", "json").replace(
        "'", '"'
    )
    service.wait_for("ok")

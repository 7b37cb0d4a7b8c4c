"""Workers of a version: they get no work until theirs is the current one, and a release changes it without a gap."""

import asyncio
import os
import subprocess
import time

from waiting import PATIENCE_SECONDS

from cli.local.temporal_server import _binary
from workflows.identity import RECONCILE_ID

# As Temporal's Worker Controller makes them: namespace and name, tag of the image and hash of the pod.
DEPLOYMENT = "advice/worker"
TWO = "0.2.0-2b7c"


def temporal(service, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    return subprocess.run(
        [_binary(), *command, "--address", service.temporal.address],
        env=environ,
        check=False,
        capture_output=True,
        text=True,
    )


def make_current(service, build_id: str) -> None:
    """The step of the deployment, refused until the server has seen the new workers poll every queue."""
    command = ("worker", "deployment", "set-current-version", "--deployment-name", DEPLOYMENT)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (ran := temporal(service, *command, "--build-id", build_id, "--yes")).returncode != 0:
        assert time.monotonic() < deadline, ran.stderr
        time.sleep(1)


async def polls(service, build_id: str) -> None:
    """Wait until Temporal has seen workers of this version."""
    described = ("worker", "deployment", "describe-version", "--deployment-name", DEPLOYMENT, "--build-id", build_id)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while temporal(service, *described).returncode != 0:
            await asyncio.sleep(1)


async def test_a_release_takes_over_when_its_version_is_made_current(service, clients):
    environment = service.environment

    def release(**version: str) -> None:
        service.environment = lambda: environment() | version
        service.start_worker()

    service.kill(service.worker)
    release(PROPOSAL_WORKER_DEPLOYMENT_NAME=DEPLOYMENT, PROPOSAL_WORKER_BUILD_ID="one")
    first = service.worker
    await polls(service, "one")
    waiting = await clients.submit()
    await asyncio.sleep(2)
    assert service.rows(f"SELECT status FROM operations WHERE operation_id = '{waiting}'") == [("PENDING",)]

    make_current(service, "one")
    assert (await clients.finished(waiting))["status"] == "SUCCEEDED"
    service.wait_for("ok")

    release(TEMPORAL_DEPLOYMENT_NAME=DEPLOYMENT, TEMPORAL_WORKER_BUILD_ID=TWO)
    await polls(service, TWO)
    assert (await clients.finished(await clients.submit()))["status"] == "SUCCEEDED"  # still by the first
    make_current(service, TWO)
    assert first.stop(grace_seconds=60) == 0
    last = await clients.submit()
    assert (await clients.finished(last))["status"] == "SUCCEEDED"
    assert TWO in temporal(service, "workflow", "describe", "--workflow-id", last).stdout
    async with asyncio.timeout(PATIENCE_SECONDS):  # what goes on for ever goes on by the current version
        while TWO not in temporal(service, "workflow", "describe", "--workflow-id", RECONCILE_ID).stdout:
            await asyncio.sleep(1)
    service.wait_for("ok")

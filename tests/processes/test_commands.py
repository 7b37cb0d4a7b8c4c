"""The commands that look into a running service."""

import json
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from builders import a_large_body, without_simulation_flag

from domain.ids import new_operation_id
from storage.schema import required_revision

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "create_proposal.json"

pytestmark = pytest.mark.timeout(120)


def proposals(service, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *command],
        env=service.environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_what_operators_run_against_a_service(service, tmp_path):
    submitted = proposals(service, "submit", str(SAMPLE), "--wait", "--json", "--url", service.url)
    assert submitted.returncode == 0, submitted.stderr
    status = json.loads(submitted.stdout)
    assert status["status"] == "SUCCEEDED"

    shown = proposals(service, "operation", status["operation_id"], "--json")
    assert shown.returncode == 0, shown.stderr
    page = json.loads(shown.stdout)
    assert page["operation"]["status"] == "SUCCEEDED"
    assert page["operation"]["proposal_id"] == status["proposal_id"]
    assert page["workflow"]["status"] == "COMPLETED"
    assert page["callback"] == {"status": "none asked for"}

    unknown = proposals(service, "operation", new_operation_id())
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "is not known" in unknown.stderr

    failing = tmp_path / "failing.json"
    failing.write_text(json.dumps(without_simulation_flag()))
    failed = proposals(service, "submit", str(failing), "--wait", "--url", service.url)
    assert failed.returncode == 1
    assert "PROPOSAL_SIMULATION_DISABLED" in failed.stdout + failed.stderr

    assert required_revision() in proposals(service, "migrate").stdout
    applied = proposals(service, "schedules", "apply")
    assert (applied.returncode, "reconcile-operations" in applied.stdout) == (0, True)


async def test_a_worker_that_is_told_to_stop_ends_its_step_and_leaves_with_zero(service, clients):
    operations = [await clients.submit(uuid.uuid4().hex, a_large_body()) for _ in range(5)]
    began = time.monotonic()
    assert service.worker.stop(grace_seconds=20) == 0
    assert time.monotonic() - began < 15
    service.start_worker()
    ended = [await clients.finished(operation_id) for operation_id in operations]
    assert {status["status"] for status in ended} == {"SUCCEEDED"}
    clients.each_exactly_once()


def test_commands_say_in_one_line_what_is_away(service):
    service.stop()
    for command, word in [
        (("migrate",), "PostgreSQL"),
        (("schedules", "apply"), "Temporal"),
        (("operation", "pop_0"), "PostgreSQL"),
    ]:
        ran = proposals(service, *command)
        assert ran.returncode == 1
        assert ran.stdout == ""
        assert len(ran.stderr.strip().splitlines()) == 1
        assert word in ran.stderr

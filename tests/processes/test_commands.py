"""The commands that look into a running service."""

import json
import subprocess
import sys
import time
import uuid

import forked_commands
import pytest
from builders import a_body, a_large_body, without_simulation_flag
from evidence_keys import a_key
from receiver import Receiver
from running_service import ROOT, proposals
from standardwebhooks.webhooks import Webhook
from waiting import PATIENCE_SECONDS, until

from domain.ids import new_operation_id
from storage.schema import required_revision

SAMPLE = ROOT / "examples" / "create_proposal.json"


def row_of(service, operation_id: str) -> dict:
    row: dict = json.loads(proposals(service, "operation", operation_id, "--json").stdout)["operation"]
    return row


def callback_of(service, operation_id: str) -> dict:
    page: dict = json.loads(proposals(service, "operation", operation_id, "--json").stdout)["callback"]
    return page


@pytest.mark.shared
def test_what_operators_run_against_a_service(service, tmp_path):
    submitted = proposals(service, "submit", str(SAMPLE), "--wait", "--json", "--url", service.url)
    assert submitted.returncode == 0, submitted.stderr
    status = json.loads(submitted.stdout)
    assert status["status"] == "SUCCEEDED"

    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:  # the workflow ends a moment after its operation
        shown = proposals(service, "operation", status["operation_id"], "--json")
        assert shown.returncode == 0, shown.stderr
        page = json.loads(shown.stdout)
        if page["workflow"]["status"] == "COMPLETED":
            break
        assert time.monotonic() < deadline, page
    assert page["operation"]["status"] == "SUCCEEDED"
    assert page["operation"]["proposal_id"] == status["proposal_id"]
    assert page["callback"] == {"status": "none asked for"}

    unknown = proposals(service, "operation", new_operation_id())
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "is not known" in unknown.stderr

    failing = tmp_path / "failing.json"
    failing.write_text(json.dumps(without_simulation_flag()))
    failed = proposals(service, "submit", str(failing), "--wait", "--url", service.url)
    assert failed.returncode == 1
    assert "PROPOSAL_SIMULATION_DISABLED" in failed.stdout + failed.stderr

    failed_id = json.loads(proposals(service, "submit", str(failing), "--json", "--url", service.url).stdout)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while row_of(service, failed_id["operation_id"])["status"] != "FAILED" and time.monotonic() < deadline:
        time.sleep(0.2)
    retried = json.loads(proposals(service, "operation", failed_id["operation_id"], "--retry", "--json").stdout)
    assert (retried["operation"]["attempt"], retried["operation"]["operation_id"]) != (1, failed_id["operation_id"])
    for option, word in (("--retry", "OPERATION_NOT_FAILED"), ("--cancel", "OPERATION_ALREADY_TERMINAL")):
        refused = proposals(service, "operation", status["operation_id"], option)
        assert (refused.returncode, refused.stdout, word in refused.stderr) == (1, "", True)
    assert proposals(service, "operation", status["operation_id"], "--retry", "--cancel").returncode == 2

    assert required_revision() in proposals(service, "migrate").stdout
    applied = proposals(service, "schedules", "apply")
    assert (applied.returncode, "reconcile-operations" in applied.stdout) == (0, True)


@pytest.mark.shared
def test_schedules_need_no_file_of_a_secret_that_workers_alone_have(service, tmp_path):
    shared = {name: value for name, value in service.environment().items() if name != "PROPOSAL_EVIDENCE_KEY"}
    ran = subprocess.run(
        [sys.executable, "-m", "cli.main", "schedules", "apply"],
        env=shared | {"PROPOSAL_EVIDENCE_KEY_FILE": str(tmp_path / "evidence-key.pem")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "checkpoint-evidence" in ran.stdout


@pytest.mark.shared
def test_a_worker_that_has_a_key_takes_checkpoints(service):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (taken := service.rows("SELECT public_key FROM evidence_checkpoints")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert taken[0] == (a_key().public_key,)


@pytest.mark.shared
def test_the_callback_of_an_operation_and_the_secret_of_its_receiver(service, tmp_path):
    with Receiver().serving() as receiver:
        receiver.answers = [(500, {}), (204, {})]
        request = tmp_path / "request.json"
        request.write_text(json.dumps(a_body(callback={"url": receiver.url})))
        submitted = proposals(service, "submit", str(request), "--wait", "--json", "--url", service.url)
        operation_id = json.loads(submitted.stdout)["operation_id"]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(receiver.received) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        printed = proposals(service, "callback-secret", "127.0.0.1")
    assert printed.returncode == 0, printed.stderr
    Webhook(printed.stdout.strip()).verify(receiver.received[1].body, dict(receiver.received[1].headers))

    deadline = time.monotonic() + PATIENCE_SECONDS
    while (page := callback_of(service, operation_id))["workflow"] != "COMPLETED":
        assert time.monotonic() < deadline, page
    assert page["status"] == "DELIVERED"
    assert page["webhook id"] == receiver.received[0].headers["webhook-id"]
    assert " HTTP 500 in " in page["attempt 1"]
    assert " HTTP 204 in " in page["attempt 2"]

    for host in ("https://a.example/", "a b", "127.1"):
        refused = proposals(service, "callback-secret", host)
        assert (refused.returncode, refused.stdout) == (1, "")


@pytest.mark.shared
def test_the_example_receiver_of_callbacks(service):
    script = [sys.executable, str(ROOT / "examples" / "orchestrator.py"), "--url", service.url]
    secret = proposals(service, "callback-secret", "127.0.0.1").stdout.strip()
    ran = subprocess.run([*script, "--secret", secret], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[1].startswith("verified proposal.operation.succeeded of pop_")

    wrong = proposals(service, "callback-secret", "localhost").stdout.strip()
    refused = "refused a call: no signature is of a secret that we have\n"
    patient = [*script, "--secret", wrong, "--timeout", str(PATIENCE_SECONDS)]
    with subprocess.Popen(patient, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == refused
        process.kill()
    ran = subprocess.run([*script, "--secret", wrong, "--timeout", "1"], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    *calls, last = ran.stderr.splitlines(keepends=True)
    assert set(calls) <= {refused}
    assert last == "orchestrator: no callback within 1 s\n"


async def test_processes_that_stop_and_servers_that_are_gone(service, clients):
    await _a_worker_that_is_told_to_stop_ends_its_step_and_leaves_with_zero(service, clients)
    await until(lambda: _health(service, "api") == (0, "proposals health api: answers"))
    await until(lambda: _health(service, "worker") == (0, "proposals health worker: polls"))

    service.kill(service.worker)
    _an_open_operation_is_cancelled(service)

    service.postgres.stop()
    service.temporal.stop()
    _commands_say_in_one_line_what_is_gone(service)
    await _processes_are_judged_and_not_what_they_depend_on(service)


async def _a_worker_that_is_told_to_stop_ends_its_step_and_leaves_with_zero(service, clients):
    operations = [await clients.submit(uuid.uuid4().hex, a_large_body()) for _ in range(5)]
    assert service.worker.stop(grace_seconds=60) == 0  # it gives three to its steps
    service.start_worker()
    ended = [await clients.finished(operation_id) for operation_id in operations]
    assert {status["status"] for status in ended} == {"SUCCEEDED"}
    clients.each_exactly_once()


def _an_open_operation_is_cancelled(service):
    open_id = json.loads(proposals(service, "submit", str(SAMPLE), "--json", "--url", service.url).stdout)
    cancelled = json.loads(proposals(service, "operation", open_id["operation_id"], "--cancel", "--json").stdout)
    assert cancelled["operation"]["error_message"] == "OPERATION_CANCELLED"


def _commands_say_in_one_line_what_is_gone(service):
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


async def _processes_are_judged_and_not_what_they_depend_on(service):
    """As the health checks of containers do, which ask more than once: each waits for four seconds."""
    waits = "proposals health worker: Temporal cannot be reached, the worker waits for it"
    await until(lambda: _health(service, "api") == (0, "proposals health api: answers"))
    assert _health(service, "worker") == (0, waits)
    service.kill(service.api)
    assert _health(service, "api") == (1, "proposals health api: does not answer")


def _health(service, name: str) -> tuple[int, str]:
    listens_on_all = {"PROPOSAL_API_HOST": "0.0.0.0"}  # noqa: S104 -- only read, never listened on
    ran = forked_commands.run("health", name, env=service.environment() | listens_on_all)
    return ran.returncode, (ran.stdout + ran.stderr).strip()

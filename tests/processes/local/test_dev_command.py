"""The whole service on this machine, started and ended as a person would."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from processes.local.process_tree import descendants, is_alive, wait_for
from waiting import PATIENCE_SECONDS

from cli.local.altered_byte import NOTE, StoredByte

ROOT = Path(__file__).parents[3]
PROPOSALS = Path(sys.executable).with_name("proposals")


def transcript_of_readme() -> str:
    """What `make demo` prints once .venv is there."""
    [shown] = re.findall(r"```sh\nmake demo\n```\n\n```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return shown.split(" s\n", 1)[1]


def shape(transcript: str) -> list[str]:
    """Its lines without what differs from run to run; PostgreSQL and Temporal start beside each other."""
    changing = (
        r"_[0-9a-f]{12,}|-[0-9a-f]{32}|sha256:\w+|\d{4}-\d\d-\d\dT\S+|:\d{4,5}|[\d.]+ m?s$"
        r"|/\S*\.proposals|/\S*/data|/\S*(?=/\.venv/)"
    )
    lines = [re.sub(changing, "~", " ".join(line.split())) for line in transcript.splitlines()]
    return sorted(line for line in lines if not re.fullmatch("pop~ (PENDING|RUNNING)", line))


def get(url):
    with urllib.request.urlopen(url, timeout=100) as answer:  # noqa: S310 -- this test's own server
        return json.load(answer)


def in_a_shell(run, *commands):
    """What the commands of an operator print, in a shell elsewhere that has asked for the environment of the run."""
    script = "\n".join([f'eval "$({PROPOSALS} env --data-dir {run.data_dir})"', *commands])
    elsewhere = {"cwd": run.data_dir, "env": {"PATH": "/usr/bin:/bin"}}
    ran = subprocess.run(["sh", "-euc", script], **elsewhere, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def serves(run):
    try:
        return get(f"{run.api_url}/health/ready")["status"] == "ok"
    except OSError:
        return False


@pytest.mark.timeout(600)
def test_a_demo_that_is_killed_leaves_nothing_behind_and_its_operation_is_there_again(local_run):
    local_run.start("demo")
    assert "status: SUCCEEDED" in local_run.text
    wait_for(lambda: "\n  logs: " in local_run.text)
    assert shape(local_run.text) == shape(transcript_of_readme())
    operation = next(line.split()[-1] for line in local_run.text.splitlines() if line.startswith("  operation: "))
    before = get(operation)
    assert (
        f'  commands in another shell: after `eval "$({PROPOSALS} env --data-dir {local_run.data_dir})"`\n'
        in local_run.text
    )
    told = in_a_shell(
        local_run,
        f"proposals operation {before['operation_id']}",
        "proposals audit verify",
        "proposals schedules apply",
        "until proposals health api; do sleep 1; done",
        "until proposals health worker | grep polls; do sleep 1; done",
        f"temporal workflow metadata -w {before['operation_id']}",
        'curl -sS "$PROPOSALS_URL/health/live"; echo',
        'echo "$PROPOSAL_OWNER_DATABASE_URL"',
        "proposals callback-secret 127.0.0.1",
    )
    assert "\n  status: SUCCEEDED\n" in told
    assert "\nWorkflow\n  status: COMPLETED\n" in told
    assert "nothing was altered: 2 proposals" in told
    assert "search attributes registered: all were there" in told
    assert "proposals health api: answers\nproposals health worker: polls\n" in told
    artifact = f"{local_run.api_url}{before['links']['proposal']}/versions/1/artifact"
    assert f"]({artifact})" in told
    assert get(artifact)["artifact_id"]
    assert '{"status":"ok"}' in told.replace(": ", ":")
    assert told.splitlines()[-1].startswith("whsec_")

    # As a demo with people that is killed after it altered a byte.
    dsn = next(line for line in told.splitlines() if line.startswith("postgresql://"))
    StoredByte.of_artifact(dsn, before["proposal_id"]).alter(dsn, local_run.data_dir)
    pids = descendants(local_run.process.pid)
    local_run.signal(signal.SIGKILL)
    local_run.process.wait()
    wait_for(lambda: not any(map(is_alive, pids)))
    local_run.start()

    assert get(operation) == before
    workflow = get(before["links"]["temporal_ui"].replace("/namespaces/", "/api/v1/namespaces/"))
    assert workflow["workflowExecutionInfo"]["status"] == "WORKFLOW_EXECUTION_STATUS_COMPLETED"
    assert "put back the byte of a stored document that a demo had altered before it was killed\n" in local_run.text
    assert not (local_run.data_dir / NOTE).exists()

    # Worker and API are started again.
    for name in ("worker", "api"):
        killed = int((local_run.data_dir / f"{name}.pid").read_text())
        assert killed == local_run.child(name)
        os.kill(killed, signal.SIGKILL)
        line = (
            f"proposals {name} ended with signal SIGKILL (log: {local_run.data_dir}/logs/{name}.log): it starts again"
        )
        wait_for(lambda line=line: f"{line} in 0.5 s\n" in local_run.text)
        wait_for(lambda name=name, killed=killed: (local_run.data_dir / f"{name}.pid").read_text() != f"{killed}\n")
    wait_for(lambda: serves(local_run))
    told = in_a_shell(
        local_run,
        f"proposals submit {ROOT}/examples/create_proposal.json --wait --timeout 100",
        f'python {ROOT}/examples/orchestrator.py --timeout 100 --secret "$(proposals callback-secret 127.0.0.1)"',
    )
    assert "\n  status: SUCCEEDED\n" in told
    assert "\nverified proposal.operation.succeeded of pop_" in told

    # The death of one of the servers ends all.
    pids = descendants(local_run.process.pid)
    os.kill(local_run.child("temporal"), signal.SIGKILL)
    assert local_run.process.wait(PATIENCE_SECONDS) == 1
    assert not list(local_run.data_dir.glob("*.pid"))
    assert "proposals dev: Temporal ended with signal SIGKILL (log: " in local_run.text
    assert not any(map(is_alive, pids))


def test_a_demo_of_a_batch_says_what_to_look_at_and_serves_until_it_is_told_to_stop(migrated_run):
    migrated_run.start("demo", "--batch")
    _what_a_demo_of_a_batch_says(migrated_run)
    _it_serves_until_it_is_told_to_stop(migrated_run)


def _what_a_demo_of_a_batch_says(local_run):
    assert "  runs: 57 of 60 computed, 3 failed\n" in local_run.text
    assert "  trim      17     0               2        1  " in local_run.text
    places = dict(
        line.strip().split(": ", 1) for line in local_run.text.split("Serving until Ctrl-C\n")[1].splitlines()
    )
    assert get(places["operation, a page in a browser"])["status"] == "SUCCEEDED"
    page = urllib.request.Request(places["operation, a page in a browser"])  # noqa: S310 -- this test's own server
    page.add_header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
    with urllib.request.urlopen(page) as answer:  # noqa: S310 -- as above
        assert "<h1>Analyze 20 items in 3 scenarios</h1>" in answer.read().decode()
    assert [run["item_id"] for run in get(places["its runs"])["items"]][::3] == [f"pf_{n:02}" for n in range(1, 21)]
    assert {run["item_id"] for run in get(places["runs that failed"])["items"]} == {"pf_02"}
    assert get(places["a run with its result"])["result"]["status"] == "READY"
    assert get(places["its workflow"].replace("/namespaces/", "/api/v1/namespaces/"))
    in_a_shell(local_run, places["all runs as a file"])
    assert (local_run.data_dir / "runs.ndjson").read_text().count("\n") == 60


def _it_serves_until_it_is_told_to_stop(local_run):
    assert get(f"{local_run.api_url}/health/ready")["status"] == "ok"
    pids = descendants(local_run.process.pid)
    second = local_run.run("dev")

    local_run.signal(signal.SIGINT)

    assert local_run.process.wait(PATIENCE_SECONDS) == 0
    assert not any(map(is_alive, pids))
    assert second.returncode == 1
    assert (
        second.stderr
        == f"proposals dev: {local_run.data_dir} is in use by another run: stop it or choose another --data-dir\n"
    )
    assert (local_run.data_dir / "logs" / "postgres.log").read_text().rstrip().endswith("database system is shut down")


def test_a_signal_is_heard_while_it_starts(migrated_run):
    migrated_run.launch()
    wait_for(lambda: "PostgreSQL" in migrated_run.text)
    pids = descendants(migrated_run.process.pid)

    migrated_run.signal(signal.SIGTERM)

    assert migrated_run.process.wait(PATIENCE_SECONDS) == 0
    assert pids
    assert not any(map(is_alive, pids))


class AnApiThatIsWell(BaseHTTPRequestHandler):
    """What a probe of another run's API is answered."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')


def test_the_api_of_another_run_is_not_taken_for_its_own(migrated_run):
    note, port = migrated_run.data_dir / NOTE, migrated_run.ports["api"]
    os.mkfifo(note)
    migrated_run.launch("demo")
    wait_for(lambda: "PostgreSQL" in migrated_run.text)  # it has found its ports free, and reads the note next
    with ThreadingHTTPServer(("127.0.0.1", port), AnApiThatIsWell) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        note.write_text('{"document": "", "place": 0, "value": 0}')  # now it goes on to start its API
        code = migrated_run.process.wait(PATIENCE_SECONDS)
        other.shutdown()

    assert code == 1
    assert f"proposals demo: port {port} is taken: choose another one with --api-port\n" in migrated_run.text
    assert "ready" not in migrated_run.text
    assert "Submitting" not in migrated_run.text


def test_what_keeps_it_from_starting_is_one_line(local_run):
    with socket.create_server(("127.0.0.1", local_run.ports["ui"])):
        taken = local_run.run()
    assert (taken.returncode, taken.stdout) == (1, "")
    assert taken.stderr == f"proposals dev: port {local_run.ports['ui']} is taken: choose another one with --ui-port\n"

    (local_run.data_dir / "postgres").mkdir()
    (local_run.data_dir / "postgres" / "PG_VERSION").write_text("16\n")
    outdated = local_run.run()
    assert outdated.returncode == 1
    assert outdated.stderr.splitlines()[0].endswith(
        "postgres was made by PostgreSQL 16, this is 18: move it away or choose another --data-dir"
    )

    invalid = local_run.run(PROPOSAL_API_PRT="1")
    assert (invalid.returncode, invalid.stdout) == (2, "")
    assert invalid.stderr == "proposals: PROPOSAL_API_PRT: no such setting, did you mean PROPOSAL_API_PORT?\n"


def test_a_server_that_cannot_start_is_told_with_its_last_words(local_run):
    local_run.data_dir.mkdir()
    Path(local_run.data_dir / "temporal.db").write_text("not a database")

    ended = local_run.run()

    assert ended.returncode == 1
    assert "proposals dev: Temporal ended with exit code 1 (log: " in ended.stderr
    assert "file is not a database" in ended.stderr

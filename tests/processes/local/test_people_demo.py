"""`demo --people` as its page in docs/guides shows it, from the first line to the last, in one start."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from processes.local.process_tree import descendants, is_alive, wait_for
from waiting import PATIENCE_SECONDS

from cli.local.issuer import Issuer
from cli.local.people import RISK

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "guides" / "demo-with-people.md").read_text()
WHOLE_LINE = re.compile(r"^(pop_\w+ (PENDING|RUNNING)|PostgreSQL .*|Temporal .*|API, worker .*)\n", re.MULTILINE)
CHANGING = {
    r"\b(pop|pp)_[0-9a-f]{32}": r"\1_...",
    r"sha256:[0-9a-f]{64}": "sha256:...",
    r"corr_[0-9a-f]+": "corr_...",
    r"people-[0-9a-f]{8}": "people-...",
    r"127\.0\.0\.1:\d+": "127.0.0.1:...",
    r"\b\d+ ms": "... ms",
    r"set_byte\(content, \d+, \d+\)": "set_byte(content, ...)",
}


def stable(text: str) -> str:
    """The parts that are the same in every run."""
    text = WHOLE_LINE.sub("", text)
    for pattern, shown in CHANGING.items():
        text = re.sub(pattern, shown, text)
    return text.strip()


def transcript(run) -> str:
    """What the run printed, as if this checkout were where the page has it."""
    places = {run.data_dir: "/home/you/proposals/.proposals", ROOT: "/home/you/proposals"}
    bin_ = Path(sys.executable).parent
    text = run.text.replace(str(bin_), "/home/you/proposals/.venv/bin")
    for place, shown in places.items():
        text = text.replace(str(place), shown)
    return text


def steps(text: str) -> list[tuple[list[str], str]]:
    """The lines for a shell of each numbered step, and the first line of its answer."""
    found = []
    for step in re.split(r"^\d+\. .*\n", text, flags=re.MULTILINE)[1:]:
        lines, _, answer = step.split("\n\n")[0].partition("\n  -> ")
        found.append(([line.removeprefix("  ") for line in lines.splitlines()], answer.partition("\n")[0]))
    return found


@pytest.mark.timeout(600)
def test_a_demo_with_people_does_what_its_page_shows_and_a_second_signal_ends_it_at_once(migrated_run):
    migrated_run.start("demo", "--people")

    shown = PAGE.split("## What it prints\n\n```\n")[1].split("\n```\n")[0] + "\n"
    assert stable(transcript(migrated_run)) == stable(shown)
    _the_lines_work_for_a_proposal_of_the_reader(migrated_run)
    _the_page_of_the_api_takes_the_tokens(migrated_run)
    _a_second_signal_ends_it_at_once(migrated_run)


def _the_lines_work_for_a_proposal_of_the_reader(run):
    entry = re.search(r'^  (eval "\$\(.*)$', run.text, re.MULTILINE)[1]

    def pasted(*lines: str) -> list[dict]:
        script = "\n".join([entry, *lines])
        elsewhere = {"cwd": run.data_dir, "env": {"PATH": os.environ["PATH"], "HOME": str(run.data_dir)}}
        ran = subprocess.run(["bash", "-euc", script], **elsewhere, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return [json.loads(line) if line.startswith("{") else line for line in ran.stdout.splitlines()]

    submission, waited, *reviews = steps(run.text)
    (first, _), (wait, _) = submission, waited
    (replayed,) = pasted(*first)
    (own,) = pasted(*first[:-2], first[-2].replace("people-", "mine-"), first[-1])
    assert f"operations/{replayed['operation_id']}?" in wait[1]
    assert own["operation_id"] != replayed["operation_id"]
    (ended,) = pasted(wait[0], wait[1].replace(replayed["operation_id"], own["operation_id"]))
    assert ended["status"] == "SUCCEEDED"

    of_review = [(lines, answer) for lines, answer in reviews if lines[0].startswith("TOKEN=")]
    answers = pasted(f"PROPOSAL={ended['proposal_id']}", *(line for lines, _ in of_review for line in lines))
    told = [f"{one['status']} {one['code']}" if "code" in one else f"200 {one['current_state']}" for one in answers]
    assert told == [answer.partition(":")[0] for _, answer in of_review]
    assert told.count("403 FOUR_EYES_VIOLATION") == told.count("403 INSUFFICIENT_SCOPE") == 1

    altered, restored = (lines for lines, _ in reviews if lines[0].startswith("psql "))
    found = pasted(*altered, "proposals audit verify || echo found", *restored)
    assert found.count("UPDATE 1") == 2
    assert "found" in found
    assert any(str(line).startswith("ALTERED: documents sha256:") for line in found)


def _the_page_of_the_api_takes_the_tokens(run):
    def get(path, **headers):
        request = urllib.request.Request(f"{run.api_url}{path}", headers=headers)  # noqa: S310 -- this test's own server
        with urllib.request.urlopen(request, timeout=100) as answer:  # noqa: S310 -- as above
            return answer.read().decode()

    assert "SwaggerUIBundle" in get("/docs")
    document = json.loads(get("/openapi.json"))
    scheme = document["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    needed = document["paths"]["/rebalance/proposals"]["get"]["security"]
    assert {"bearer": ["proposals:read"]} in needed
    token = Issuer(run.data_dir).token(RISK)
    proposals = json.loads(get("/rebalance/proposals", Authorization=f"Bearer {token}"))["items"]
    assert [proposal["current_state"] for proposal in proposals] == ["EXECUTED", "EXECUTED"]
    with pytest.raises(urllib.error.HTTPError, match="401"):
        get("/rebalance/proposals")


def _a_second_signal_ends_it_at_once(run):
    pids = descendants(run.process.pid)
    for stuck in map(run.child, ("api", "worker", "temporal")):  # it waits for them for 25 seconds in all
        os.kill(stuck, signal.SIGSTOP)

    run.signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in run.text)
    assert run.process.poll() is None
    run.signal(signal.SIGTERM)

    assert run.process.wait(PATIENCE_SECONDS) == 128 + signal.SIGTERM  # in its time it ends with 0
    wait_for(lambda: not any(map(is_alive, pids)))

"""Batches from the command line, against the service as processes, and against one that plays it for what is rare."""

import fcntl
import json
import re
import subprocess
import uuid
from pathlib import Path

import pytest
from batches import a_portfolio, an_analysis
from forked_commands import run
from proposals_client import Proposals
from scripted_service import Answer, ScriptedService

pytestmark = pytest.mark.shared
ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "analyze.json"


def accepted(service, body) -> str:
    with Proposals(service.url) as desk:
        batch = desk.submit_batch(body)
        batch.wait()
        return batch.id


def export(url: str, operation_id: str, file: Path, *options: object) -> subprocess.CompletedProcess[str]:
    return run("batch", "export", operation_id, "-o", file, "--url", url, *options)


def lines_of(service, operation_id: str) -> bytes:
    with Proposals(service.url) as desk:
        return b"".join(desk.batch(operation_id).lines())


def test_a_batch_is_followed_to_its_scenarios_and_failures(service):
    ran = run("submit", EXAMPLE, "--wait", "--url", service.url)

    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    operation_id = lines[0].split()[0]
    assert lines[1] == f"{operation_id} PENDING"
    assert f"{operation_id} SUCCEEDED 60 of 60 runs, 3 failed" in ran.stdout
    assert (
        "\n  runs: 57 of 60 computed, 3 failed\n  warnings: PARTIAL_BATCH_FAILURE\n  results hash: sha256:"
        in ran.stdout
    )
    table = [line.split() for line in lines[lines.index("Scenarios") + 1 : lines.index("Failures")]]
    assert table[0] == ["scenario", "READY", "PENDING_REVIEW", "BLOCKED", "failed", "gates", "turnover"]
    assert [row[:5] for row in table[1:]] == [
        ["hold", "19", "0", "0", "1"],
        ["stress", "17", "0", "2", "1"],
        ["trim", "17", "0", "2", "1"],
    ]
    assert lines[lines.index("Scenarios") + 4].endswith(
        "BLOCKED 2, CLIENT_CONSENT_REQUIRED 16, RISK_REVIEW_REQUIRED 1  EUR 15,441.52, SGD 61,830.00, USD 12,157.12"
    )
    assert [line.split(maxsplit=4) for line in lines[lines.index("Failures") + 2 :]] == [
        ["pf_02", "hold,", "stress,", "trim", "VALIDATION_FAILED"],
        ["/items/1/portfolio_snapshot/positions/0/quantity:", "Input", "should", "be", "a valid decimal"],
    ]


def test_a_batch_whose_runs_all_failed_is_a_failure_with_the_first_places(service, tmp_path):
    (file := tmp_path / "batch.json").write_text(json.dumps(an_analysis(*[{"id": f"pf_{n}"} for n in range(21)])))

    ran = run("submit", file, "--wait", "--url", service.url)

    assert ran.returncode == 1
    assert "  status: FAILED\n  error: ProposalValidationError: ANALYSIS_ALL_RUNS_FAILED" in ran.stdout
    assert "Scenarios" not in ran.stdout
    shown = ran.stdout.split("Failures\n")[1]
    assert "  pf_19  baseline   VALIDATION_FAILED\n" in shown
    assert "pf_20" not in shown
    assert "/items/19/portfolio_snapshot: Field required" in shown
    assert f"  all: proposals batch export {ran.stdout.split()[0]} -o FILE\n" in ran.stdout


def state(status: str, *, succeeded: int, failed: int = 0, result=None) -> Answer:
    progress = {"total": 6, "succeeded": succeeded, "failed": failed, "remaining": 6 - succeeded - failed}
    named = {"operation_id": "pop_1", "correlation_id": "c", "idempotency_key": "k", "error": None, "result": result}
    return Answer(body=named | {"status": status, "progress": progress}, headers={"Retry-After": "1"})


@pytest.fixture
def played():
    with ScriptedService().serving() as service:
        yield service


def test_how_far_and_how_fast_is_a_line_for_each_change(played):
    played.answers = [
        Answer(status=202, body={"operation_id": "pop_1", "correlation_id": "c"}),
        *(state("PENDING", succeeded=0), state("RUNNING", succeeded=2, failed=1), state("FAILED", succeeded=3)),
    ]

    ran = run("submit", EXAMPLE, "--wait", "--url", played.url)

    assert played.asked[0].path == "/rebalance/proposals/analyze/async"
    assert ran.returncode == 1
    shown = [line.removeprefix("pop_1 ") for line in ran.stdout.splitlines()[1:5]]
    assert shown[:2] == ["PENDING", "PENDING 0 of 6 runs, 0 failed"]
    assert re.fullmatch(r"RUNNING 3 of 6 runs, 1 failed, \d runs/s, \d+ s left", shown[2])
    assert shown[3].startswith("FAILED 3 of 6 runs, 0 failed, ")


def test_json_is_the_final_status_alone(service):
    ran = run("submit", EXAMPLE, "--wait", "--json", "--url", service.url)
    assert json.loads(ran.stdout)["result"]["counts"] == {"total": 60, "succeeded": 57, "failed": 3}


def test_all_runs_become_a_file_that_goes_on_where_it_broke_off(service, tmp_path):
    scenarios = {"buy": {}, "hold": {"proposed_trades": []}}
    body = an_analysis(*[a_portfolio(n) for n in range(60)], {"id": "pf_faulty"}, scenarios=scenarios)
    operation_id, file = accepted(service, body), tmp_path / "runs.ndjson"
    expected = lines_of(service, operation_id)

    first = export(service.url, operation_id, file)

    assert (first.returncode, first.stderr) == (0, "")
    assert file.read_bytes() == expected
    assert expected.count(b"\n") == 122
    assert "  runs: 122\n  failed: 2\n  results hash: sha256:" in first.stdout
    assert f"{operation_id} 100 of 122 runs\n{operation_id} 122 of 122 runs\n" in first.stdout
    for broken_off in (0, 1, 1000, len(expected) // 2, len(expected) - 1, len(expected)):
        file.write_bytes(expected[:broken_off])
        assert export(service.url, operation_id, file).returncode == 0
        assert file.read_bytes() == expected


def test_a_file_of_something_else_stays_as_it_is(service, tmp_path):
    same, other = (accepted(service, an_analysis()) for _ in range(2))
    changed = an_analysis(a_portfolio(0), a_portfolio(1), a_portfolio(7))
    for number, content in enumerate(
        (
            b"notes\n",
            lines_of(service, accepted(service, changed)),
            lines_of(service, same),
            lines_of(service, other) + b"{}\n",
        )
    ):
        (file := tmp_path / f"{number}").write_bytes(content)
        ran = export(service.url, other, file)
        assert ran.returncode == 3
        assert f"is no run of {other}: choose another file" in ran.stderr
        assert file.read_bytes() == content


def test_a_file_that_another_export_writes_is_left_alone(service, tmp_path):
    operation_id = accepted(service, an_analysis())
    with (file := tmp_path / "runs").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ran = export(service.url, operation_id, file)
    assert (ran.returncode, ran.stderr) == (1, f"proposals batch export: {file}: another export writes it\n")


def test_what_is_no_batch_and_what_is_not_there_is_one_line(service, tmp_path):
    ran = export(service.url, f"pop_{uuid.uuid4().hex}", tmp_path / "runs")
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (
        1,
        "proposals batch export: refused (404): PROPOSAL_ASYNC_OPERATION_NOT_FOUND",
    )
    assert not (tmp_path / "runs").exists()


LINES = b"".join(b'{"run_no":%d,"error":null,"result":{}}\n' % number for number in range(6))
SUMMARIES = LINES.replace(b',"result":{}', b"")


def test_a_batch_that_does_not_go_on_is_left_with_what_there_is(played, tmp_path):
    running = state("RUNNING", succeeded=2)
    played.answers = [running, running, running, Answer(body=LINES[: len(LINES) // 3]), running]

    ran = export(played.url, "pop_1", tmp_path / "runs", "--timeout", "0.6")

    assert ran.returncode == 4
    assert ran.stderr == "proposals batch export: no run came within 0.6 s: repeat the command to go on\n"
    assert (tmp_path / "runs").read_bytes() == LINES[: len(LINES) // 3]


def test_a_batch_that_failed_leaves_what_was_computed_and_says_so(played, tmp_path):
    lines, summaries = (content.splitlines(keepends=True) for content in (LINES, SUMMARIES))
    failed = state("FAILED", succeeded=1, failed=1)
    played.answers = [
        *(failed, failed, failed, Answer(body=lines[0] + lines[4])),
        *(failed, failed, Answer(body=summaries[0] + summaries[4]), failed, Answer(body=lines[0])),
    ]

    ran = export(played.url, "pop_1", tmp_path / "runs")

    assert ran.returncode == 5
    assert ran.stderr == "proposals batch export: the batch FAILED: these are the runs that were computed\n"
    assert (tmp_path / "runs").read_bytes() == lines[0] + lines[4]


@pytest.mark.parametrize(("tag", "lines", "code"), [("h", 6, 0), ("another", 6, 3), ("h", 5, 3)])
def test_a_finished_file_has_every_run_of_the_hash(played, tmp_path, tag, lines, code):
    ended = state("SUCCEEDED", succeeded=6, result={"results_hash": "h"})
    content = b"".join(LINES.splitlines(keepends=True)[:lines])
    played.answers = [
        *(ended, ended, ended, Answer(body=content)),
        *(ended, ended, Answer(body=SUMMARIES), ended, Answer(body=LINES)),
        Answer(headers={"ETag": f'W/"{tag}"'}),
    ]

    assert export(played.url, "pop_1", tmp_path / "runs").returncode == code

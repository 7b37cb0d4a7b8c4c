"""The README is short and true: its commands run, its promises name tests that exist."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = [block.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)]
PROMISES = re.findall(r"\| `(tests/[^`]+)` \|", README)
DEFAULT_API = "http://127.0.0.1:8000"


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120


def test_the_two_commands_are_there_and_known_to_make():
    assert COMMANDS[:2] == ["make demo", "make test"]
    for command in COMMANDS[:2]:
        subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.shared
@pytest.mark.timeout(600)
def test_the_curl_commands_do_what_the_readme_shows(service):
    assert len(COMMANDS) == 3
    script = COMMANDS[2].replace(DEFAULT_API, service.url)
    ran = subprocess.run(["bash", "-ec", script], cwd=ROOT, check=True, capture_output=True, text=True)
    assert ran.stdout.startswith("HTTP/1.1 202 Accepted")
    assert "location: /rebalance/proposals/operations/pop_" in ran.stdout
    assert '"status":"SUCCEEDED"' in ran.stdout


def test_every_promise_names_a_test_that_exists():
    assert len(PROMISES) == README.split("## What is promised")[1].split("## Where")[0].count("\n| ") - 1
    for promise in PROMISES:
        path, _, name = promise.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(), promise

"""`make demo` says what it does while it builds .venv, and nothing once .venv is there."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sum("==" in line for line in (ROOT / "requirements" / "development.txt").read_text().splitlines())
# It stands for Python, for that of the .venv that it makes, and for the command that is installed there.
FAKE = """#!/bin/sh
case "$*" in
--version) echo Python 3.12.1 ;;
"-m venv --clear "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && cp "$0" "$4/bin/proposals" ;;
*"pip install"*) test -z "$PIP_FAILS" || { echo "ERROR: no such package" >&2; exit 1; } ;;
demo*) echo served ;;
esac
"""


@pytest.fixture
def demo(tmp_path: Path):
    python = tmp_path / "python"
    python.write_text(FAKE)
    python.chmod(0o755)

    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        given = {"PYTHON": str(python), "VENV": str(tmp_path / "venv"), **variables}
        command = ["make", "--no-print-directory", "demo", *(f"{name}={value}" for name, value in given.items())]
        # Without what a `make test` around it passes on.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    return run


def test_the_first_run_says_what_it_builds_and_for_how_long(demo, tmp_path):
    first, second = demo(), demo()
    building, built, served = first.stdout.splitlines()
    assert building == f"Building {tmp_path}/venv with Python 3.12.1: {PACKAGES} packages, about a minute ..."
    assert re.fullmatch(r"\.\.\. built in \d+ s", built)
    assert served == "served"
    assert (second.stdout, second.stderr) == ("served\n", "")


def test_what_pip_refuses_is_shown_and_the_next_run_begins_anew(demo, monkeypatch):
    monkeypatch.setenv("PIP_FAILS", "1")
    failed = demo()
    assert failed.returncode != 0
    assert "ERROR: no such package" in failed.stderr
    assert "built in" not in failed.stdout
    monkeypatch.delenv("PIP_FAILS")
    building, built, served = demo().stdout.splitlines()
    assert (building.split()[0], built.split()[1], served) == ("Building", "built", "served")

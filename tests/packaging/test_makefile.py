"""`make demo` says what it does while it builds .venv, and nothing once .venv is there."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
PACKAGES = sum("==" in line for line in (ROOT / "requirements" / "development.txt").read_text().splitlines())
# It stands for Python, for that of the .venv that it makes, and for the command that is installed there.
FAKE = f"""#!/bin/sh
case "$*" in
-c*) exec {sys.executable} "$@" ;;
--version) echo Python 3.12.1 ;;
"-m venv --clear "*) rm -rf "$4" && mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && cp "$0" "$4/bin/proposals" ;;
*"pip install"*)
    test -z "$PIP_FAILS" || {{ echo "ERROR: no such package" >&2; exit 1; }}
    test -z "$PIP_LOG" || {{
        echo begins >> "$PIP_LOG"
        until test -e "$PIP_LOG.may-end"; do sleep 0.05; done
        echo ends >> "$PIP_LOG"
    }} ;;
demo*) echo served ;;
esac
"""


@pytest.fixture
def demo(tmp_path: Path):
    python = tmp_path / "python"
    python.write_text(FAKE)
    python.chmod(0o755)

    def start() -> subprocess.Popen[str]:
        command = ["make", "--no-print-directory", "demo", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"]
        # Without what a `make test` around it passes on.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)

    return start


def ended(make: subprocess.Popen[str]) -> SimpleNamespace:
    stdout, stderr = make.communicate()
    return SimpleNamespace(returncode=make.returncode, stdout=stdout, stderr=stderr)


def test_the_first_run_says_what_it_builds_and_for_how_long(demo, tmp_path):
    first, second = ended(demo()), ended(demo())
    building, built, served = first.stdout.splitlines()
    assert building == f"Building {tmp_path}/venv with Python 3.12.1: {PACKAGES} packages, about a minute ..."
    assert re.fullmatch(r"\.\.\. built in \d+ s", built)
    assert served == "served"
    assert (second.stdout, second.stderr) == ("served\n", "")


def test_what_pip_refuses_is_shown_and_the_next_run_begins_anew(demo, monkeypatch):
    monkeypatch.setenv("PIP_FAILS", "1")
    failed = ended(demo())
    assert failed.returncode != 0
    assert "ERROR: no such package" in failed.stderr
    assert "built in" not in failed.stdout
    monkeypatch.delenv("PIP_FAILS")
    building, built, served = ended(demo()).stdout.splitlines()
    assert (building.split()[0], built.split()[1], served) == ("Building", "built", "served")


def test_a_folder_without_its_first_stamp_is_made_anew(demo, tmp_path):
    ended(demo())
    [stamp] = (tmp_path / "venv").glob(".made-*")
    stamp.unlink()
    building, built, served = ended(demo()).stdout.splitlines()
    assert (building.split()[0], built.split()[1], served) == ("Building", "built", "served")


@pytest.mark.parametrize("is_killed", [False, True])
def test_one_make_at_a_time_builds(demo, tmp_path, monkeypatch, is_killed):
    """A make that is killed leaves a build behind that goes on: another one that clears the folder would break both."""
    log = tmp_path / "pip.log"
    monkeypatch.setenv("PIP_LOG", str(log))
    first = demo()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    if is_killed:
        first.kill()
    second = demo()
    assert second.stderr.readline() == f"Waiting for another make that builds {tmp_path}/venv ...\n"
    log.with_name("pip.log.may-end").touch()

    assert ended(first).returncode == (-signal.SIGKILL if is_killed else 0)
    assert ended(second).stdout == "served\n"
    assert log.read_text().split() == ["begins", "ends"] * 2  # the dependencies, then the project

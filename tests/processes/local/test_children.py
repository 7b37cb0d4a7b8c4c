import ast
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from processes.local.process_tree import is_alive, wait_for
from waiting import PATIENCE_SECONDS

from cli.local import children
from cli.local import dies_with_parent as leash
from cli.local.children import Child, LocalServerError

STARTS = ("subprocess.run", "subprocess.Popen", "asyncio.create_subprocess_exec")
READY = "import signal, sys, time\nprint('ready', flush=True)\n"


@pytest.fixture
def start(tmp_path):
    started = []

    def start(code, **options):
        child = Child.start("the child", [sys.executable, "-c", code], log=tmp_path / "logs" / "child.log", **options)
        started.append(child)
        return child

    yield start
    for child in started:
        child.stop(grace_seconds=0)


def said(child):
    return lambda: "ready" in child.log.read_text()


def test_it_runs_in_a_session_of_its_own_and_writes_its_log(start):
    child = start(READY + "time.sleep(1000)")
    child.wait_until(said(child), seconds=PATIENCE_SECONDS)

    assert os.getsid(child.pid) == child.pid
    assert child.exit_code is None
    assert child.stop(grace_seconds=PATIENCE_SECONDS) == -signal.SIGTERM
    assert child.stop(grace_seconds=PATIENCE_SECONDS) == -signal.SIGTERM


def test_one_that_does_not_listen_is_killed_with_all_it_started(start):
    child = start(
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)']).pid, 'ready', flush=True)\n"
        "time.sleep(1000)\n"
    )
    child.wait_until(said(child), seconds=PATIENCE_SECONDS)
    grandchild = int(child.log.read_text().split()[0])

    assert child.stop(grace_seconds=0.1) == -signal.SIGKILL
    wait_for(lambda: not is_alive(grandchild))


def test_a_death_is_told_with_its_last_words(start):
    child = start("for n in range(100): print('line', n)\nraise SystemExit(3)")

    told = r"(?m)^the child ended with exit code 3 \(log: .*child\.log\)$"
    with pytest.raises(LocalServerError, match=told) as caught:
        child.wait_until(lambda: False, seconds=PATIENCE_SECONDS)

    assert caught.value.log_lines == tuple(f"line {number}" for number in range(92, 100))
    assert caught.value.__notes__ == [f"line {number}" for number in range(92, 100)]  # in the traceback of a test


def test_a_full_disk_is_named_where_the_log_says_nothing(start, monkeypatch):
    monkeypatch.setattr(children.shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    child = start("raise SystemExit(3)")

    with pytest.raises(LocalServerError) as caught:
        child.wait_until(lambda: False, seconds=PATIENCE_SECONDS)

    assert caught.value.log_lines == (f"the disk of {child.log.parent} is full",)


def test_a_death_by_signal_is_told_by_name(start):
    child = start("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")

    with pytest.raises(LocalServerError, match="ended with signal SIGSEGV"):
        child.wait_until(lambda: False, seconds=PATIENCE_SECONDS)


def test_one_that_is_not_ready_in_time_is_told(start):
    child = start(READY + "time.sleep(1000)")

    with pytest.raises(LocalServerError, match=r"^the child was not ready within 0 s"):
        child.wait_until(lambda: False, seconds=0.1)


def test_a_missing_command_is_told(tmp_path):
    with pytest.raises(LocalServerError, match=r"^X cannot be started: /no/such/command is missing$"):
        Child.start("X", ["/no/such/command"], log=tmp_path / "x.log")


@pytest.mark.parametrize("death_signal", [signal.SIGKILL, signal.SIGTERM])
def test_it_dies_with_its_parent(tmp_path, death_signal):
    log = tmp_path / "child.log"
    code = (
        "import signal, sys, time\n"
        "from pathlib import Path\n"
        "from cli.local.children import Child\n"
        "command = [sys.executable, '-c', 'print(\"ready\", flush=True)\\nimport time; time.sleep(1000)']\n"
        f"child = Child.start('x', command, log=Path({str(log)!r}), death_signal=signal.Signals({int(death_signal)}))\n"
        f"child.wait_until(lambda: child.log.read_text(), seconds={PATIENCE_SECONDS})\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(1000)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True
    ) as parent:
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    wait_for(lambda: not is_alive(pid))


def test_every_process_that_is_started_here_dies_with_its_parent():
    """A command that is not leashed goes on after a `kill -9`, against servers that are gone."""
    unleashed = []
    for path in Path(leash.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in STARTS:
                command = ast.unparse(call.args[0])
                if not command.removeprefix("*").startswith("leashed("):
                    unleashed.append((path.name, command))
    assert unleashed == [("system_user.py", "command")]  # useradd, which is left to end

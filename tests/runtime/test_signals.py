"""Signals go to real processes: handlers of this one belong to pytest."""

import os
import signal
import subprocess
import sys

import pytest
from waiting import PATIENCE_SECONDS

from runtime.signals import STOP_SIGNALS

BUFFERED = {**os.environ, "PYTHONUNBUFFERED": ""}

WAITS = """
import asyncio
from runtime.signals import exit_process, stop_on_signals
async def main():
    async with stop_on_signals() as stop:
        print("ready", flush=True)
        await stop.wait()
        print("stopping", flush=True)
        {afterwards}
asyncio.run(main())
exit_process(0)
"""


# The tests themselves may have been started by nohup.
HEARS_SIGHUP = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_DFL)\n"


def started(code: str, *, by: tuple[str, ...] = ()) -> subprocess.Popen:
    code = code if by else HEARS_SIGHUP + code
    process = subprocess.Popen(
        [*by, sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_the_first_signal_asks_to_stop(number):
    with started(WAITS.format(afterwards="pass")) as process:
        process.send_signal(number)
        assert process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize("stuck", ["await asyncio.sleep(60)", "while True: pass"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_even_a_stuck_process(number, stuck):
    with started(WAITS.format(afterwards=stuck)) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "stopping\n"
        process.send_signal(number)
        assert process.wait(PATIENCE_SECONDS) == 128 + number


def test_a_terminal_that_is_closed_and_its_shell_send_the_same_signal():
    until_both_are_sent = "await asyncio.to_thread(input); await asyncio.sleep(0.2)"
    with started(WAITS.format(afterwards=until_both_are_sent)) as process:
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "stopping\n"
        process.send_signal(signal.SIGHUP)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait(PATIENCE_SECONDS) == 0


def test_what_nohup_starts_outlives_its_terminal():
    with started(WAITS.format(afterwards="pass"), by=("nohup",)) as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)  # the second signal that was heard would end it at once
        assert process.wait(PATIENCE_SECONDS) == 0


def test_handlers_are_gone_after_the_block():
    code = WAITS.replace(
        "asyncio.run(main())\n", "asyncio.run(main())\nprint('after', flush=True)\nimport time\ntime.sleep(60)\n"
    )
    with started(code.format(afterwards="pass")) as process:
        process.send_signal(signal.SIGINT)
        assert [process.stdout.readline() for _ in range(2)] == ["stopping\n", "after\n"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGTERM


def test_exit_process_flushes_and_skips_what_interpreter_exit_would_run():
    code = (
        "import atexit, os, sys\n"
        "from runtime.signals import exit_process\n"
        "atexit.register(os.abort)\n"
        "sys.stdout.write('unflushed')\n"
        "exit_process(7)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False, env=BUFFERED)

    assert (ran.returncode, ran.stdout) == (7, "unflushed")


def test_exit_process_keeps_its_code_when_nobody_reads():
    code = (
        "import sys\nfrom runtime.signals import exit_process\n"
        "print('ready', flush=True)\nsys.stdin.read()\nsys.stdout.write('x')\nexit_process(7)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=BUFFERED,
    )
    assert process.stdout.readline() == "ready\n"
    process.stdout.close()
    process.stdin.close()
    assert process.wait(PATIENCE_SECONDS) == 7

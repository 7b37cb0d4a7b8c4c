"""Child processes that never outlive this one."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from cli.local import dies_with_parent

POLL_SECONDS: Final = 0.02
SHOWN_LOG_LINES: Final = 8
LOG_TAIL_BYTES: Final = 8192
FULL_DISK_BYTES: Final = 1024 * 1024


class LocalServerError(Exception):
    """Why the local servers cannot run, in one line for the terminal; `log_lines` are the end of a child's log."""

    def __init__(self, message: str, *, log_lines: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.log_lines = tuple(log_lines)
        for line in self.log_lines:
            self.add_note(line)  # for a traceback


def leashed(
    command: Sequence[str | Path], *, death_signal: signal.Signals = signal.SIGKILL, user: str | None = None
) -> list[str | Path]:
    """The command, run by that user, which the kernel sends `death_signal` when this process ends.

    Start it in a thread that lives as long as the process: to the kernel that thread is the parent.
    """
    leash = (dies_with_parent.__file__, str(os.getpid()), str(int(death_signal)), user or "")
    return [sys.executable, "-I", "-S", *leash, *command]


async def output_of(
    command: Sequence[str | Path],
    *,
    given: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> tuple[int, list[str]]:
    """The exit code and the lines, errors among them, of a command that reads `given`. It ends with this call."""
    process = await asyncio.create_subprocess_exec(
        *leashed(command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=env,
        cwd=cwd,
    )
    try:
        output, _ = await process.communicate(given)
    finally:
        if process.returncode is None:
            process.kill()
    return await process.wait(), output.decode(errors="replace").splitlines()


class Child:
    """A process in a session of its own, so that Ctrl-C reaches this process alone, which then stops all in order."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], *, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        cwd: Path | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> Self:
        """Start it with its output added to `log`; the kernel sends it `death_signal` when this process ends.

        Call it in a thread that lives as long as the process, see `leashed`.
        Raises LocalServerError when the command does not exist.
        """
        if not Path(command[0]).exists():
            raise LocalServerError(f"{name} cannot be started: {command[0]} is missing")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 -- commands of this package
                leashed(command, death_signal=death_signal, user=user),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )
        return cls(name, process, log=log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._process.poll()

    def wait_until(self, is_ready: Callable[[], bool], *, seconds: float) -> None:
        """Block until `is_ready` returns true. Raises LocalServerError when the child ends first, or time is up."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if self.exit_code is not None:
                raise self.exit_error()
            if time.monotonic() > deadline:
                raise self.timeout_error(seconds)
            time.sleep(POLL_SECONDS)

    def stop(self, *, with_signal: signal.Signals = signal.SIGTERM, grace_seconds: float) -> int:
        """Send the signal, and kill the child after the grace; returns its exit code, of an ended child as well."""
        if self.exit_code is None:
            self._process.send_signal(with_signal)
            try:
                self._process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait()

    def exit_error(self) -> LocalServerError:
        """The error for its unexpected end."""
        return LocalServerError(
            f"{self.name} ended with {_described(self._process.wait())} (log: {self.log})", log_lines=self.last_lines()
        )

    def timeout_error(self, seconds: float) -> LocalServerError:
        """The error for a child that was not ready in time."""
        return LocalServerError(
            f"{self.name} was not ready within {seconds:.0f} s (log: {self.log})", log_lines=self.last_lines()
        )

    def last_lines(self) -> list[str]:
        """The end of its log, and whether the disk of the log is full: then the log itself may say nothing."""
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()[-SHOWN_LOG_LINES:]
        is_full = shutil.disk_usage(self.log.parent).free < FULL_DISK_BYTES
        return [*lines, f"the disk of {self.log.parent} is full"] if is_full else lines


def _described(exit_code: int) -> str:
    return f"exit code {exit_code}" if exit_code >= 0 else f"signal {signal.Signals(-exit_code).name}"

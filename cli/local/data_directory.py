"""The directory that survives a local run: data of PostgreSQL and Temporal, and the logs."""

import fcntl
import secrets
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self, TextIO

from cli.local.children import LocalServerError
from cli.local.ports import free_port, is_free
from cli.whole_file import OWNER_ONLY, write_whole

DEFAULT_DATA_DIR: Final = Path(".proposals")
GLANCE_SECONDS: Final = 1.0  # `environment_of_running` holds the lock for a moment
RETRY_SECONDS: Final = 0.05


class DataDirectory:
    """One run at a time uses it; the kernel releases the lock, however the run ends."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.postgres = self.root / "postgres"
        self.temporal_file = self.root / "temporal.db"
        self._remembered_port = self.root / "postgres-port"
        self._callback_secret = self.root / "callback-secret"
        self.environment = self.root / "environment"
        self.logs = self.root / "logs"

    @contextmanager
    def claimed(self) -> Iterator[Self]:
        """Create it if missing, and lock it. Raises LocalServerError if another run has it or this user may not."""
        try:
            self.root.mkdir(mode=0o711, parents=True, exist_ok=True)  # PostgreSQL's own user must get through
            lock = (self.root / "lock").open("w")
        except OSError as failure:
            raise LocalServerError(f"the data directory {self.root} cannot be used: {failure.strerror}") from None
        with lock:
            deadline = time.monotonic() + GLANCE_SECONDS
            while not _locks(lock, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    message = f"{self.root} is in use by another run: stop it or choose another --data-dir"
                    raise LocalServerError(message)
                time.sleep(RETRY_SECONDS)
            self.environment.unlink(missing_ok=True)  # of a run that has ended, as are the pids
            self.forget_pids()
            self._set_old_logs_aside()
            yield self

    def environment_of_running(self) -> str | None:
        """What the run that has claimed the directory wrote for shells; None when there is no such run."""
        try:
            with (self.root / "lock").open() as lock:
                return None if _locks(lock, fcntl.LOCK_SH) else self.environment.read_text()
        except OSError:
            return None

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        """Where the pid of a process of the run stands, so that a person kills this one and not another run's."""
        return self.root / f"{name}.pid"

    def forget_pids(self) -> None:
        for file in self.root.glob("*.pid"):
            file.unlink()

    def postgres_port(self) -> int:
        """The port of the last run, which other tools may remember; another one if it is taken by now."""
        try:
            port = int(self._remembered_port.read_text())
        except (FileNotFoundError, ValueError):
            port = free_port()
        if not is_free(port):
            port = free_port()
        self._remembered_port.write_text(f"{port}\n")
        return port

    def callback_secret(self) -> str:
        """The secret that signs callbacks, made by the first run and readable by this user alone."""
        try:
            secret = self._callback_secret.read_text().strip()
        except FileNotFoundError:
            secret = ""
        if not secret:
            secret = secrets.token_urlsafe(32)
            write_whole(self._callback_secret, f"{secret}\n".encode(), mode=OWNER_ONLY)
        return secret

    def write_environment(self, settings: Mapping[str, str], *, postgres_programs: Path) -> None:
        """A file that a shell sources, so that `proposals` and `temporal` are found and reach this run's servers.

        PostgreSQL's programs of this run come before the shell's own: an older `pg_dump` refuses a newer server.
        """
        own, postgres = shlex.quote(str(Path(sys.executable).parent)), shlex.quote(str(postgres_programs))
        path = f'export PATH={own}:{postgres}:"$PATH"\n'
        exports = (f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
        write_whole(self.environment, (path + "".join(exports)).encode(), mode=OWNER_ONLY)

    def _set_old_logs_aside(self) -> None:
        for log in self.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.previous"))


def _locks(file: TextIO, kind: int) -> bool:
    """Whether this process gets the lock, which it has until the file is closed."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""The directory that survives a local run: data of PostgreSQL and Temporal, and the logs."""

import fcntl
import os
import secrets
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from cli.local.children import LocalServerError
from cli.local.ports import free_port, is_free


class DataDirectory:
    """One run at a time uses it; the kernel releases the lock, however the run ends."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.postgres = self.root / "postgres"
        self.temporal_file = self.root / "temporal.db"
        self._remembered_port = self.root / "postgres-port"
        self._callback_secret = self.root / "callback-secret"
        self.environment = self.root / "environment"

    @contextmanager
    def claimed(self) -> Iterator[Self]:
        """Create it if missing, and lock it. Raises LocalServerError if another run has it or this user may not."""
        try:
            self.root.mkdir(mode=0o711, parents=True, exist_ok=True)  # PostgreSQL's own user must get through
            lock = (self.root / "lock").open("w")
        except OSError as failure:
            raise LocalServerError(f"the data directory {self.root} cannot be used: {failure.strerror}") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"{self.root} is in use by another run: stop it or choose another --data-dir"
                raise LocalServerError(message) from None
            self._set_old_logs_aside()
            yield self

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"

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
            _write_for_this_user(self._callback_secret, f"{secret}\n")
        return secret

    def write_environment(self, settings: Mapping[str, str]) -> None:
        """A file that a shell sources, so that `proposals` and `temporal` are found and reach this run's servers."""
        path = f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"\n'
        exports = (f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
        _write_for_this_user(self.environment, path + "".join(exports))

    def _set_old_logs_aside(self) -> None:
        for log in (self.root / "logs").glob("*.log"):
            log.replace(log.with_suffix(".log.previous"))


def _write_for_this_user(path: Path, text: str) -> None:
    """It replaces the file, and no other user can read it at any time."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123 -- with its mode from the start
        file.write(text)

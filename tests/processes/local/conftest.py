import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import migrated_postgres
import pytest
from processes.local.process_tree import descendants, wait_for

from cli.local.ports import free_port

ROOT = Path(__file__).parents[3]


class LocalRun:
    """`proposals dev` or `demo` in a directory and on ports of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.ports = {name: free_port() for name in ("api", "temporal", "ui")}
        self.output = data_dir.with_suffix(".out")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['api']}"

    @property
    def text(self) -> str:
        return self.output.read_text()

    def command(self, name: str, *options: str) -> list[str]:
        ports = [f"--{option}-port={port}" for option, port in self.ports.items()]
        return [sys.executable, "-m", "cli.main", name, *ports, f"--data-dir={self.data_dir}", *options]

    def run(self, name: str = "dev", **environ: str) -> subprocess.CompletedProcess[str]:
        """For a run that is expected to end by itself."""
        return subprocess.run(
            self.command(name),
            cwd=ROOT,
            env=os.environ | environ,
            capture_output=True,
            text=True,
            check=False,
        )

    def launch(self, name: str = "dev", *options: str) -> None:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                self.command(name, *options), cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
            )

    def start(self, name: str = "dev", *options: str) -> None:
        """Start it and wait until it serves."""
        self.launch(name, *options)
        wait_for(lambda: "Serving until" in self.text or self.process.poll() is not None)
        assert self.process.poll() is None, self.text

    def child(self, log: str) -> int:
        """The pid of the descendant that writes the log of this name."""
        path = str(self.data_dir / "logs" / f"{log}.log")
        for pid in descendants(self.process.pid):
            with suppress(FileNotFoundError, ProcessLookupError):  # a session of PostgreSQL's that has ended meanwhile
                if str(Path(f"/proc/{pid}/fd/1").readlink()) == path and os.getsid(pid) == pid:
                    return pid
        raise AssertionError(f"nothing writes {path}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@pytest.fixture
def migrated_run(local_run: LocalRun, migrated: Path) -> LocalRun:
    """One that finds the data of an earlier run: it makes no database and no schema."""
    local_run.data_dir.mkdir(mode=0o711)
    migrated_postgres.copy(migrated, local_run.data_dir / "postgres")
    return local_run


@pytest.fixture
def local_run(tmp_path: Path) -> Iterator[LocalRun]:
    run = LocalRun(tmp_path / "data")
    yield run
    if run.process is not None and run.process.poll() is None:
        run.process.kill()
        run.process.wait()

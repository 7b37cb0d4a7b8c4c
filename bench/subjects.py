"""What is measured: each subject starts its servers on fresh data, can be killed as a whole, and started again."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import psycopg
from temporalio.client import Client as TemporalClient
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RetryConfig

from bench.bare_engine import clients_of, completed
from bench.load import Connect, HttpClient
from bench.machine import Roles, processes, tree
from bench.peers_environment import ROOT, peers_python
from bench.results import BARE, DBOS, SERVICE
from cli.local.children import Child
from cli.local.ports import HOST, free_port
from cli.local.postgres import EmbeddedPostgres
from cli.local.temporal_server import TemporalDevServer
from cli.probe import is_well
from storage.migrating import migrate

DATABASE: Final = "proposals"
START_SECONDS: Final = 90.0
STOP_SECONDS: Final = 20.0
INHERITED: Final = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("PROPOSAL_", "TEMPORAL_", "PYTHON", "VIRTUAL_ENV"))
}
# The dev command's children by the ends of their command lines.
CHILDREN: Final = {"worker": ["cli.main", "worker"], "API": ["cli.main", "api"]}
BY_TITLE: Final = "SELECT title, count(*) FROM proposals WHERE title = ANY(%s) GROUP BY title"
ENDS: Final = """
SELECT p.title, extract(epoch FROM o.finished_at) FROM proposals p JOIN operations o USING (proposal_id)
WHERE p.title = ANY(%s)
"""


class Subject(Protocol):
    """Servers that can be measured."""

    async def start(self) -> None: ...

    def stop(self) -> None: ...

    def roles(self) -> Roles: ...

    def tops(self) -> Sequence[int]:
        """The processes that, with their descendants, are all of it."""
        ...

    def connect(self) -> Connect: ...

    async def finished(self, marks: Sequence[str]) -> Counter[str]:
        """How often each create was done."""
        ...

    async def ends(self, marks: Sequence[str], /) -> Mapping[str, float] | None:
        """When the creates ended, in Unix time; None without a record of it."""
        ...


def kill(subject: Subject) -> None:
    """SIGKILL to every process of it, and no word to any before."""
    among = processes()
    for pid in tree(subject.tops(), among):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    subject.stop()  # only waits for the dead


class BareEngine:
    """The development server that `proposals dev` runs, and a worker: no database, no HTTP."""

    def __init__(self, folder: Path) -> None:
        self._server = TemporalDevServer(folder / "temporal.db", free_port(), free_port(), log=folder / "temporal.log")
        self._log = folder / "worker.log"
        self._worker: Child | None = None
        self._client: TemporalClient | None = None

    async def start(self) -> None:
        # Children end with the thread that starts them: this one, which lasts.
        await asyncio.to_thread(self._server.launch().wait_until, self._server.is_ready, seconds=START_SECONDS)
        command = [sys.executable, "-m", "bench.bare_engine", self._server.address]
        self._worker = Child.start("worker", command, log=self._log, env=INHERITED, cwd=ROOT)
        self._client = await TemporalClient.connect(
            self._server.address,
            runtime=Runtime(telemetry=TelemetryConfig(logging=None)),  # a killed server would fill the terminal
            retry_config=RetryConfig(max_retries=1, max_elapsed_time_millis=2000),
        )

    def stop(self) -> None:
        for child in (self._worker, self._server.child):
            if child is not None:
                child.stop(grace_seconds=STOP_SECONDS, with_signal=signal.SIGKILL)

    def roles(self) -> Roles:
        temporal, worker = self.tops()
        return {"Temporal": [temporal], "worker": [worker]}

    def tops(self) -> Sequence[int]:
        return [child.pid for child in (self._server.child, self._worker) if child is not None]

    def connect(self) -> Connect:
        connect: Connect = clients_of(self._client)
        return connect

    async def finished(self, marks: Sequence[str]) -> Counter[str]:
        return Counter(await completed(self._client, list(marks)))

    async def ends(self, _: Sequence[str]) -> None:
        return None


class _OnPostgres:
    """What is asked of the tables, and of HTTP."""

    urls: Sequence[str]
    dsn: str

    def connect(self) -> Connect:
        return lambda number: HttpClient(self.urls[number % len(self.urls)])

    async def finished(self, marks: Sequence[str]) -> Counter[str]:
        return Counter(dict(self._rows(BY_TITLE, marks)))

    async def ends(self, marks: Sequence[str]) -> Mapping[str, float] | None:
        return {title: float(at) for title, at in self._rows(ENDS, marks)}

    def _rows(self, statement: str, marks: Sequence[str]) -> list[tuple[str, int]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return connection.execute(statement, [list(marks)]).fetchall()


class Peer(_OnPostgres):
    """Processes of `bench.peers` on the PostgreSQL that `proposals dev` runs."""

    def __init__(self, folder: Path, *, module: str, count: int = 1) -> None:
        self._module = module
        self._folder = folder
        self._postgres = EmbeddedPostgres(folder / "postgres", free_port(), log=folder / "postgres.log")
        self._ports = [free_port() for _ in range(count)]
        self._processes: list[Child] = []
        self.urls = [f"http://{HOST}:{port}" for port in self._ports]
        self.dsn = self._postgres.dsn(DATABASE)

    async def start(self) -> None:
        python = await asyncio.to_thread(peers_python)
        await asyncio.to_thread(self._postgres.initialise)
        await asyncio.to_thread(self._postgres.launch().wait_until, self._postgres.is_ready, seconds=START_SECONDS)
        await asyncio.to_thread(self._postgres.create_database, DATABASE)
        await asyncio.to_thread(migrate, self.dsn)
        self._processes = []
        for number, port in enumerate(self._ports):  # one after the other: the first makes DBOS's tables
            command = [python, "-m", "uvicorn", "--factory", f"bench.peers.{self._module}:app"]
            command += ["--host", HOST, "--port", str(port), "--log-level", "warning", "--http", "httptools"]
            environment = INHERITED | {"PEER_DATABASE": self.dsn, "PEER_EXECUTOR": f"peer-{number}"}
            child = Child.start(self._module, command, log=self._folder / "peer.log", env=environment, cwd=ROOT)
            self._processes.append(child)
            await asyncio.to_thread(
                child.wait_until, partial(is_well, HOST, port, "/health/ready"), seconds=START_SECONDS
            )

    def stop(self) -> None:
        for child in self._processes:
            child.stop(grace_seconds=STOP_SECONDS, with_signal=signal.SIGKILL)
        self._postgres.stop()

    def roles(self) -> Roles:
        postgres, *peers = self.tops()
        return {"PostgreSQL": [postgres], "worker": peers}

    def tops(self) -> Sequence[int]:
        return [child.pid for child in (self._postgres.child, *self._processes) if child is not None]


class Service(_OnPostgres):
    """A checkout of this service, run by its own `.venv` with its own `proposals dev`."""

    def __init__(self, folder: Path, *, checkout: Path) -> None:
        self.folder = folder
        self._checkout = checkout.resolve()
        self._api_port, self._temporal_port, self._ui_port, self._postgres_port = (free_port() for _ in range(4))
        self._dev: Child | None = None
        self.temporal_address = f"{HOST}:{self._temporal_port}"
        self.urls = [f"http://{HOST}:{self._api_port}"]
        self.dsn = f"postgresql://postgres@{HOST}:{self._postgres_port}/{DATABASE}"

    async def start(self) -> None:
        command = [self._checkout / ".venv" / "bin" / "python", "-m", "cli.main", "dev"]
        command += ["--data-dir", self.folder / "data", "--api-port", str(self._api_port)]
        command += ["--temporal-port", str(self._temporal_port), "--ui-port", str(self._ui_port)]
        command += ["--postgres-port", str(self._postgres_port)]
        self._dev = Child.start(
            f"the service of {self._checkout}", command, log=self.folder / "dev.log", env=INHERITED, cwd=self._checkout
        )
        await asyncio.to_thread(
            self._dev.wait_until, partial(is_well, HOST, self._api_port, "/health/ready"), seconds=START_SECONDS
        )

    def stop(self) -> None:
        if self._dev is not None:
            self._dev.stop(grace_seconds=2 * STOP_SECONDS)

    def tops(self) -> Sequence[int]:
        return [] if self._dev is None else [self._dev.pid]

    def roles(self) -> Roles:
        """By the dev command's children. Its own CPU is next to nothing, and is left out."""
        roles: dict[str, list[int]] = {}
        for pid, stat in processes().items():
            if stat.parent in self.tops():
                roles.setdefault(_role(Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]), []).append(pid)
        return roles


def _role(command: Sequence[str]) -> str:
    if command[-1:] and command[-2:] in CHILDREN.values():
        return next(role for role, end in CHILDREN.items() if command[-2:] == end)
    return {"postgres": "PostgreSQL", "temporal": "Temporal"}.get(Path(command[0]).name, "dev")


def subjects(*, against: Path | None) -> dict[str, Callable[[Path], Subject]]:
    """By the names of their rows, in the order of the table; each is made in a folder of its own."""
    found: dict[str, Callable[[Path], Subject]] = {
        BARE: BareEngine,
        f"{DBOS}, one process": partial(Peer, module="durable"),
        f"{DBOS}, two processes": partial(Peer, module="durable", count=2),
        "FastAPI background tasks": partial(Peer, module="background"),
        SERVICE: partial(Service, checkout=ROOT),
    }
    if against is not None:
        found[f"{SERVICE}, {against.resolve().name}"] = partial(Service, checkout=against)
    return found

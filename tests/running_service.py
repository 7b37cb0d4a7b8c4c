"""The whole service as processes of its own, each of which may be killed and started again, and clients of it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import data_folders
import forked_commands
import httpx2
import migrated_postgres
import psycopg
from builders import a_body
from migrated_postgres import DATABASE
from processes.local.process_tree import descendants
from receiver import SECRET
from waiting import PATIENCE_SECONDS

from cli.local.children import Child
from cli.local.ports import free_port
from cli.local.postgres import SERVICE_ROLE, EmbeddedPostgres
from cli.local.temporal_server import TemporalDevServer
from cli.probe import get_json
from cli.replay import _replay
from runtime.settings_loading import load_settings

ROOT = Path(__file__).parent.parent
FAST_HOUSEKEEPING = {"PROPOSAL_LOG_FORMAT": "json", "PROPOSAL_SHUTDOWN_GRACE_SECONDS": "3"}


class Service:
    """PostgreSQL, Temporal, worker and API, with their logs in `folder`.

    `migrated` is a data directory of PostgreSQL (migrated_postgres.py), which is copied.
    """

    def __init__(self, folder: Path, migrated: Path) -> None:
        self.folder = folder
        self._migrated = migrated
        self._data = data_folders.new_folder()
        self.postgres = EmbeddedPostgres(self._data / "postgres", free_port(), log=folder / "postgres.log")
        self.temporal_file = self._data / "temporal.db"
        self.temporal = TemporalDevServer(self.temporal_file, free_port(), free_port(), log=folder / "temporal.log")
        self.api_port = free_port()
        self.url = f"http://127.0.0.1:{self.api_port}"
        self.api: Child | None = None
        self.worker: Child | None = None
        self.more_environment: dict[str, str] = {}
        # What `Clients` have seen of this service: every 202 by its key, and what became of them.
        self.creates: dict[str, str] = {}
        self.others: dict[str, str] = {}
        self.failed: set[str] = set()

    def start(self) -> None:
        """Start all at once; the worker registers search attributes and schedules by itself."""
        self.temporal.launch()
        migrated_postgres.copy(self._migrated, self.postgres.data_dir)
        self.postgres.start()
        self.start_worker()
        self.start_api()
        self.wait_for("ok")

    def start_what_is_dead(self) -> None:
        for server in (self.postgres, self.temporal):
            if _is_dead(server.child):
                server.start()
        if _is_dead(self.worker):
            self.start_worker()
        if _is_dead(self.api):
            self.start_api()
        self.wait_for("ok")

    def stop(self) -> None:
        """Kill what keeps nothing, then let PostgreSQL shut down."""
        for child in (self.api, self.worker, self.temporal.child):
            if child is not None:
                self.kill(child)
        self.postgres.stop()
        shutil.rmtree(self._data, ignore_errors=True)  # a service may be stopped twice

    def run(self, *command: str) -> None:
        child = self._launch(*command)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while child.exit_code is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if child.stop(grace_seconds=0) != 0:
            raise child.exit_error()

    def start_worker(self) -> None:
        self.worker = self._launch("worker")

    def start_api(self) -> None:
        self.api = self._launch("api")

    @contextmanager
    def another_api(self, **environment: str) -> Iterator[str]:
        """The URL of a second API process while the block lasts."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        child = self._launch("api", PROPOSAL_API_PORT=str(port), **environment)
        try:
            child.wait_until(lambda: _is(port, "ok"), seconds=PATIENCE_SECONDS)
            yield url
        finally:
            child.stop(grace_seconds=5)

    def kill(self, child: Child | None) -> None:
        assert child is not None
        child.stop(with_signal=signal.SIGKILL, grace_seconds=5)

    def lose_temporals_data(self) -> None:
        """Of a Temporal that was killed: it starts anew as an empty one."""
        assert _is_dead(self.temporal.child)
        lost = list(self.temporal_file.parent.glob(f"{self.temporal_file.name}*"))
        assert lost
        for path in lost:
            path.unlink()

    def wait_for(self, status: str) -> None:
        assert self.api is not None
        self.api.wait_until(lambda: _is(self.api_port, status), seconds=PATIENCE_SECONDS)

    def rows(self, statement: str) -> list[tuple]:
        with psycopg.connect(self.postgres.dsn(DATABASE)) as connection:
            return connection.execute(statement).fetchall()

    def alter(self, statement: str) -> None:
        """What only a superuser can do, past triggers and foreign keys."""
        with psycopg.connect(self.postgres.dsn(DATABASE)) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(statement)

    def processes_of_postgres(self) -> list[int]:
        assert self.postgres.child is not None
        pid = self.postgres.child.pid
        return [pid, *descendants(pid)]

    @property
    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "PROPOSAL_"))},
            **FAST_HOUSEKEEPING,
            "PROPOSAL_DATABASE_URL": self.postgres.dsn(DATABASE, role=SERVICE_ROLE),
            "PROPOSAL_OWNER_DATABASE_URL": self.postgres.dsn(DATABASE),
            "PROPOSAL_API_PORT": str(self.api_port),
            "PROPOSAL_CALLBACK_SECRETS": SECRET,
            "PROPOSAL_CALLBACK_ALLOWED_HOSTS": "127.0.0.1,localhost",
            "TEMPORAL_ADDRESS": self.temporal.address,
            **self.more_environment,
        }

    def _launch(self, *command: str, **environment: str) -> Child:
        return Child.start(
            " ".join(command),
            [sys.executable, "-m", "cli.main", *command],
            log=self.folder / f"{command[0]}.log",
            env=self.environment() | environment,
            cwd=ROOT,
        )


def _is_dead(child: Child | None) -> bool:
    return child is None or child.exit_code is not None


def _is(api_port: int, status: str) -> bool:
    """Whether the API is there and says so; "unavailable" is beyond this, because it comes with 503."""
    health = get_json("127.0.0.1", api_port, "/health/ready")
    return health is not None and health["status"] == status


@contextmanager
def running(service: Service) -> Iterator[Service]:
    try:
        service.start()
        yield service
    finally:
        service.stop()


def proposals(service: Service, *command: str) -> subprocess.CompletedProcess[str]:
    """The command `proposals` run to its end, with the environment of the service."""
    return forked_commands.run(*command, env=service.environment())


async def replayed_in_here(service: Service, operation_id: str) -> int:
    """The exit code of `proposals audit replay` of an operation, without half a second for the start of a process."""
    return await _replay(load_settings(service.environment()), operation_id)


class Clients:
    """Clients that behave: the same key again until they have a 202, then polling to the end."""

    def __init__(self, service: Service, http: httpx2.AsyncClient) -> None:
        self._service = service
        self._http = http
        self.accepted: dict[str, str] = {}
        self.statuses: list[int] = []

    async def submit(self, key: str | None = None, body: dict | None = None, *, path: str = "/async") -> str:
        key = key or uuid.uuid4().hex
        while True:
            try:
                answer = await self._http.post(
                    f"/rebalance/proposals{path}", json=body or a_body(), headers={"Idempotency-Key": key}
                )
            except httpx2.TransportError:
                await asyncio.sleep(0.2)
                continue
            self.statuses.append(answer.status_code)
            if answer.status_code == 202:
                return self.note(key, answer.json()["operation_id"], path=path)
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.2)

    def note(self, key: str, operation_id: str, *, path: str = "/async") -> str:
        """Hold the service to its 202."""
        self.accepted[key] = operation_id
        (self._service.creates if path == "/async" else self._service.others)[key] = operation_id
        return operation_id

    async def finished(self, operation_id: str) -> dict:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    answer = await self._http.get(
                        f"/rebalance/proposals/operations/{operation_id}", params={"wait": 5, "include_result": "false"}
                    )
                except httpx2.TransportError:
                    await asyncio.sleep(0.2)
                    continue
                if answer.status_code == 200 and (status := answer.json())["status"] in ("SUCCEEDED", "FAILED"):
                    if status["status"] == "FAILED":
                        self._service.failed.add(operation_id)
                    return status
                await asyncio.sleep(0.1)

    async def status(self, operation_id: str) -> dict:
        return (await self._http.get(f"/rebalance/proposals/operations/{operation_id}")).json()

    async def all_succeed(self) -> None:
        ended = await asyncio.gather(*(self.finished(operation_id) for operation_id in self.accepted.values()))
        assert {status["status"] for status in ended} == {"SUCCEEDED"}

    def each_exactly_once(self) -> None:
        """Each key has one operation, one proposal, one version and one event, and nothing else is there.

        Of all clients of this service since its start; an operation that FAILED or makes no proposal has none.
        """
        service = self._service
        operations = {row[0]: row[1] for row in service.rows("SELECT idempotency_key, operation_id FROM operations")}
        assert operations == service.creates | service.others
        succeeded = set(service.creates.values()) - service.failed
        expected = sorted(f"pp_{operation_id.removeprefix('pop_')}" for operation_id in succeeded)
        for table in ("proposals", "proposal_versions", "workflow_events"):
            found = service.rows(f"SELECT proposal_id FROM {table} ORDER BY proposal_id")
            assert [row[0] for row in found] == expected

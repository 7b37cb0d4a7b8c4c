"""All of the service on one machine: what starts after what, and stops before what."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

import cli
from cli.local.altered_byte import put_back_noted
from cli.local.children import Child, LocalServerError
from cli.local.data_directory import DataDirectory
from cli.local.issuer import Issuer
from cli.local.ports import HOST, require_free
from cli.local.postgres import SERVICE_ROLE, EmbeddedPostgres, binary
from cli.local.restarts import RestartedChild
from cli.local.temporal_server import NAMESPACE, TemporalDevServer, inherited_environment
from cli.probe import is_well
from domain.callback import CallbackRules
from runtime.settings_loading import load_settings

DATABASE: Final = "proposals"
LOCAL_HOSTS: Final = f"{HOST},localhost"  # where receivers of callbacks may be, too
OF_API: Final = "proposals-api"  # what the API calls its connections
START_SECONDS: Final = 60.0
PROBE_SECONDS: Final = 0.05
WATCH_SECONDS: Final = 0.1
STOP_SECONDS: Final = 10.0  # for the API and for the worker; Temporal and PostgreSQL take theirs: 30 in all
GRACE_SECONDS: Final = 8  # what API and worker give to work under way, within that
CODE: Final = Path(cli.__path__[0]).parent  # where `-m cli.main` is this release, whatever the working directory is


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """The ports of the servers, on loopback; for None a port of PostgreSQL is chosen and remembered."""

    api: int
    temporal: int
    ui: int
    postgres: int | None


class LocalStack:
    """PostgreSQL and Temporal, then schema and schedules, then worker and API, each a process."""

    def __init__(
        self, data: DataDirectory, ports: Ports, *, say: Callable[[str], None], issuer: Issuer | None = None
    ) -> None:
        """With an issuer the service asks for its tokens, and reviews are bound to versions and need four eyes."""
        self._ports_of_temporal = {"--temporal-port": ports.temporal, "--ui-port": ports.ui}
        self._port_of_api = {"--api-port": ports.api}
        asked = self._port_of_api | self._ports_of_temporal
        require_free(asked if ports.postgres is None else asked | {"--postgres-port": ports.postgres})
        self._data = data
        self._ports = ports
        self._say = say
        self._postgres = EmbeddedPostgres(
            data.postgres, ports.postgres or data.postgres_port(), log=data.log("postgres")
        )
        self._temporal = TemporalDevServer(data.temporal_file, ports.temporal, ports.ui, log=data.log("temporal"))
        self._callbacks = {  # the environment comes first
            "PROPOSAL_CALLBACK_SECRETS": os.environ.get("PROPOSAL_CALLBACK_SECRETS") or data.callback_secret(),
            "PROPOSAL_CALLBACK_ALLOWED_HOSTS": os.environ.get("PROPOSAL_CALLBACK_ALLOWED_HOSTS") or LOCAL_HOSTS,
        }
        self._rules: dict[str, str] = {}  # of reviews
        self._authentication: dict[str, str] = {}
        if issuer is not None:
            issuer.prepare()
            self._rules = {"PROPOSAL_FOUR_EYES": "true", "PROPOSAL_STRICT_VERSION_BINDING": "true"}
            self._authentication = issuer.settings()
        self._processes: dict[str, RestartedChild] = {}  # by their commands, in the order of their start

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self._ports.api}"

    @property
    def ui_url(self) -> str:
        return self._temporal.ui_url

    @property
    def callback_rules(self) -> CallbackRules:
        """The rules of the API and the worker."""
        return load_settings(self._callbacks).callback_rules

    @property
    def logs(self) -> Path:
        return self._data.logs

    @property
    def data_dir(self) -> Path:
        return self._data.root

    @property
    def superuser_dsn(self) -> str:
        return self._postgres.dsn(DATABASE)

    async def start(self) -> None:
        """Start all and return once the API reports `ok`. Raises LocalServerError."""
        began = time.monotonic()
        self._data.write_environment(self._addresses() | self._of_shells(), postgres_programs=binary("postgres").parent)
        self._temporal.launch()
        await asyncio.to_thread(self._postgres.initialise)
        self._postgres.launch()
        await asyncio.gather(self._serve_on_postgres(began), self._prepare_temporal(began))
        await _until(self._api_is_ready, "the API")
        self._say(f"API, worker   ready           {time.monotonic() - began:.1f} s")

    async def watch(self) -> NoReturn:
        """Start worker and API again when they end. Raises LocalServerError for a server, or one that cannot start."""
        while True:
            for server in (self._postgres.child, self._temporal.child):
                if server is not None and server.exit_code is not None:
                    if server is self._temporal.child:  # another run may have taken them since they were free
                        require_free(self._ports_of_temporal)
                    raise server.exit_error()
            for command, process in self._processes.items():
                if command == "api" and process.has_failed:
                    await asyncio.to_thread(require_free, self._port_of_api)
                process.look_after(now=time.monotonic())
            await asyncio.sleep(WATCH_SECONDS)

    def stop(self) -> None:
        """Stop everything, each server after those that depend on it."""
        for process in reversed(self._processes.values()):
            process.stop(grace_seconds=STOP_SECONDS)
        self._data.forget_pids()
        self._temporal.stop()
        self._postgres.stop()

    async def _serve_on_postgres(self, began: float) -> None:
        await _until(self._postgres.is_ready, "PostgreSQL")
        await asyncio.to_thread(self._postgres.create_database, DATABASE)
        await asyncio.to_thread(self._postgres.create_service_role)
        self._say(f"PostgreSQL    {HOST}:{self._postgres.port:<5} {time.monotonic() - began:.1f} s")
        await asyncio.to_thread(put_back_noted, self.superuser_dsn, self.data_dir, say=self._say)
        await self._run("migrate")
        for command in ("worker", "api"):  # both can wait for Temporal, not for a schema
            self._processes[command] = RestartedChild(partial(self._launch_to_serve, command), say=self._say)

    async def _prepare_temporal(self, began: float) -> None:
        await _until(self._temporal.is_ready, "Temporal")
        self._say(f"Temporal      {self._temporal.address:<15} {time.monotonic() - began:.1f} s")
        await asyncio.gather(asyncio.to_thread(self._temporal.keep_closed_workflows), self._run("schedules", "apply"))

    async def _run(self, *command: str) -> None:
        """Run a command of this package to its end. Raises LocalServerError unless it exits with 0."""
        child = self._launch(*command)
        try:
            await _until(lambda: child.exit_code is not None, child.name)
        finally:
            child.stop(grace_seconds=0)
        if child.exit_code != 0:
            raise child.exit_error()

    def _launch_to_serve(self, command: str) -> Child:
        child = self._launch(command)
        self._data.pid_file(command).write_text(f"{child.pid}\n")
        return child

    def _launch(self, *command: str) -> Child:
        return Child.start(
            f"proposals {' '.join(command)}",
            [sys.executable, "-m", "cli.main", *command],
            log=self._data.log("-".join(command)),
            env=self.environment(),
            cwd=CODE,
        )

    def environment(self) -> dict[str, str]:
        """What worker, API and commands of this package run with."""
        grace = {"PROPOSAL_SHUTDOWN_GRACE_SECONDS": str(GRACE_SECONDS)}
        return grace | inherited_environment() | self._rules | self._authentication | self._addresses()

    def _addresses(self) -> dict[str, str]:
        return self._callbacks | {
            "PROPOSAL_DATABASE_URL": self._postgres.dsn(DATABASE, role=SERVICE_ROLE),
            "PROPOSAL_OWNER_DATABASE_URL": self._postgres.dsn(DATABASE),
            "PROPOSAL_API_HOST": HOST,
            "PROPOSAL_API_PORT": str(self._ports.api),
            "PROPOSAL_PUBLIC_URL": self.api_url,
            "PROPOSAL_TEMPORAL_UI_URL": self.ui_url,
            "TEMPORAL_ADDRESS": self._temporal.address,
            "TEMPORAL_NAMESPACE": NAMESPACE,
            "TEMPORAL_CONFIG_FILE": os.devnull,  # a profile of the developer's may hold another server's key
        }

    def _of_shells(self) -> dict[str, str]:
        """What only a person's shell needs. Authentication is not in it: the next `dev` of that shell has none."""
        return {"PROPOSALS_URL": self.api_url, "PROPOSALS_DATA_DIR": str(self.data_dir)} | self._rules

    def _api_is_ready(self) -> bool:
        """Whether the API of this run is well: that of another run may have the port, and this one then ends.

        The own one has opened the port before it comes to PostgreSQL.
        """
        return is_well(HOST, self._ports.api, "/health/ready") and self._postgres.serves(OF_API)


async def _until(is_ready: Callable[[], bool], name: str) -> None:
    """Wait until the probe returns true. `LocalStack.watch` sees when the process has ended."""
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                if await asyncio.to_thread(is_ready):  # a probe may wait for a slow answer
                    return
                await asyncio.sleep(PROBE_SECONDS)
    except TimeoutError:
        raise LocalServerError(f"{name} was not ready within {START_SECONDS:.0f} s") from None

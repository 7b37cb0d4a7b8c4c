"""Temporal's development server, with its UI, as a child of this process."""

import os
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from cli.local.children import Child, LocalServerError, leashed
from cli.local.ports import HOST
from cli.probe import get_json

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 5.0
NAMESPACE: Final = "default"
RETENTION_DAYS: Final = 7

# Without the first, every hop of a workflow waits up to 50 ms for the one history shard to be polled; one partition
# saves the forwarding between four.
DYNAMIC_CONFIGURATION: Final = {
    "history.transferProcessorMaxPollRPS": "2000",
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
}
DURABLE: Final = ("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=2")


class TemporalDevServer:
    """A server that keeps workflows in `data_file`, or in memory when that is None.

    `dynamic_configuration` adds to or replaces the values above; a value is JSON text.
    """

    def __init__(
        self,
        data_file: Path | None,
        port: int,
        ui_port: int,
        *,
        log: Path,
        dynamic_configuration: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self.ui_port = ui_port
        self.child: Child | None = None
        self._data_file = data_file and data_file.absolute()
        self._log = log
        self._dynamic_configuration = DYNAMIC_CONFIGURATION | dict(dynamic_configuration or {})

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def ui_url(self) -> str:
        return f"http://{HOST}:{self.ui_port}"

    def start(self) -> None:
        """Start it and wait until it serves. Raises LocalServerError after stopping it."""
        try:
            self.launch().wait_until(self.is_ready, seconds=START_SECONDS)
        except BaseException:
            self.stop()
            raise

    def launch(self) -> Child:
        """Start the process without waiting. Raises LocalServerError when the command is missing."""
        command: list[str | Path] = [_binary(), "server", "start-dev", "--ip", HOST, "--port", str(self.port)]
        command += ["--ui-port", str(self.ui_port), "--ui-disable-news-fetch", "--log-level", "warn"]
        for key, value in self._dynamic_configuration.items():
            command += ["--dynamic-config-value", f"{key}={value}"]
        folder = None
        if self._data_file is not None:
            folder = self._data_file.parent
            folder.mkdir(parents=True, exist_ok=True)
            # Without its folder: SQLite takes ?, # and % of a path for parts of a URL, and writes another file.
            command += ["--db-filename", self._data_file.name, *DURABLE]
        environment = inherited_environment() | {"GOGC": "400"}  # its CPU is the limit here; memory is not
        self.child = Child.start("Temporal", command, log=self._log, env=environment, cwd=folder)
        return self.child

    def is_ready(self) -> bool:
        """Whether it serves the namespace; asked through its UI, which has to be up as well."""
        return self._retention() is not None

    def keep_closed_workflows(self) -> None:
        """Keep them for a week: a new development server forgets them after a day. Raises LocalServerError."""
        if self._retention() == f"{RETENTION_DAYS * 24 * 3600}s":
            return
        command: list[str | Path] = [_binary(), "operator", "namespace", "update", "--address", self.address]
        command += ["--namespace", NAMESPACE, "--retention", f"{RETENTION_DAYS}d"]
        try:
            subprocess.run(  # noqa: S603 -- the same binary
                leashed(command), env=inherited_environment(), capture_output=True, timeout=START_SECONDS, check=True
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            raise LocalServerError("Temporal refuses to keep closed workflows for a week") from None

    def stop(self) -> None:
        """Stop it. Does nothing when it does not run."""
        if self.child is not None:
            self.child.stop(grace_seconds=STOP_SECONDS)

    def _retention(self) -> str | None:
        namespace = get_json(HOST, self.ui_port, f"/api/v1/namespaces/{NAMESPACE}")
        return None if namespace is None else str(namespace["config"]["workflowExecutionRetentionTtl"])


def inherited_environment() -> dict[str, str]:
    """This process's environment without TEMPORAL_*: a developer's own profile must not reach the local server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}


def _binary() -> Path:
    binary = Path(sysconfig.get_path("scripts")) / "temporal"
    if not binary.exists():
        raise LocalServerError("the command temporal is missing: install proposals[local]")
    return binary

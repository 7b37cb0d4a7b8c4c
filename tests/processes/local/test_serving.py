"""A run that cannot start or go on says why in one line, and stops its servers whatever becomes of its output."""

import asyncio
import errno
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from cli.local.children import Child, LocalServerError
from cli.local.data_directory import DataDirectory
from cli.local.issuer import Issuer
from cli.local.ports import free_port
from cli.local.serving import _serve, serve
from cli.local.stack import WATCH_SECONDS, LocalStack, Ports


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path, capsys):
    (tmp_path / "people-keys.json").mkdir()
    ports = Ports(api=free_port(), temporal=free_port(), ui=free_port(), postgres=None)

    assert serve(tmp_path, ports, command="demo", once_ready=None, issuer=Issuer(tmp_path)) == 1

    assert capsys.readouterr().err == f"proposals demo: {tmp_path} cannot be used: Is a directory\n"


def test_a_port_that_another_run_takes_at_the_same_moment_is_named(tmp_path):
    ports = Ports(api=free_port(), temporal=free_port(), ui=free_port(), postgres=None)
    with DataDirectory(tmp_path).claimed() as data:
        stack = LocalStack(data, ports, say=print)
        stack._temporal.child = Child.start("Temporal", [sys.executable, "-c", "1 / 0"], log=data.log("temporal"))
        stack._temporal.child.stop(grace_seconds=60)
        with (
            socket.create_server(("127.0.0.1", ports.temporal)),
            pytest.raises(LocalServerError, match=f"^port {ports.temporal} is taken: .* --temporal-port$"),
        ):
            asyncio.run(stack.watch())
        with pytest.raises(LocalServerError, match=r"^Temporal ended with"):
            asyncio.run(stack.watch())


class Servers:
    """What `_serve` asks of a stack."""

    logs = Path("data/logs")

    def __init__(self, *, ended: LocalServerError | None = None) -> None:
        self.has_stopped = False
        self._ended = ended

    async def start(self) -> None:
        pass

    async def watch(self) -> None:
        await asyncio.sleep(WATCH_SECONDS if self._ended else 60)
        raise self._ended

    def stop(self) -> None:
        self.has_stopped = True


def served(servers: Servers, failure: Exception, *, pause: float = 0) -> int:
    """The exit code; the process stands still for the pause, after the failure and before any of it is printed."""

    async def once_ready(_) -> None:
        asyncio.get_running_loop().call_later(WATCH_SECONDS / 2, time.sleep, pause)
        raise failure

    return asyncio.run(_serve(servers, command="demo", once_ready=once_ready))


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.EPIPE, "Broken pipe"), (errno.ENOSPC, "No space left on device")]
)
def test_a_reader_that_left_and_a_full_disk_end_it_in_order(capsys, number, reason):
    servers = Servers()

    assert served(servers, OSError(number, os.strerror(number))) == 1

    assert servers.has_stopped
    assert capsys.readouterr().err == (
        f"proposals demo: it cannot go on: {reason}\n\nstopping ...\nstopped; data and logs stay in data\n"
    )


def test_servers_are_stopped_where_not_even_that_can_be_printed(monkeypatch):
    servers = Servers()

    def broken(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("cli.local.serving.typer.echo", broken)
    assert served(servers, BrokenPipeError()) == 1
    assert servers.has_stopped


@pytest.mark.parametrize("pause", [0, 3 * WATCH_SECONDS], ids=["at once", "after a pause of the machine"])
def test_a_server_that_ended_is_named_before_what_failed_without_it(capsys, pause):
    for _ in range(5):  # the order of a set is another one each time
        servers = Servers(ended=LocalServerError("PostgreSQL ended with signal SIGKILL"))

        assert served(servers, LocalServerError("step 3 had no answer"), pause=pause) == 1

        assert capsys.readouterr().err.startswith("proposals demo: PostgreSQL ended with signal SIGKILL\n")

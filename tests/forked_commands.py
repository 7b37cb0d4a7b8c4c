"""`proposals ...` in a process forked from one that has the imports: 0.03 s of CPU instead of 0.4.

Exit code, standard output and errors, environment and `os._exit` are those of a process. Only what Python does to
start it is not seen: tests/processes/local/test_main.py starts some as a shell does.
"""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import IO

from cli.main import COMMANDS, application, main

ROOT = Path(__file__).parent.parent
LOADED_BY_A_RUN = (
    "anyio._backends._asyncio",
    "httpcore2",
    "pydantic.type_adapter",
    "temporalio.envconfig",
    "typer._adapters",
)


def run(*arguments: object, env: Mapping[str, str] = os.environ, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """The command run to its end."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    command = [str(argument) for argument in arguments]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        files = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in (output, errors)]
        asked = {"command": command, "env": dict(env), "cwd": str(cwd), "files": files}
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        exit_code = int(server.stdout.readline())
        return subprocess.CompletedProcess(command, exit_code, _text(output), _text(errors))


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


@functools.cache
def _server() -> subprocess.Popen[str]:
    """One a session: it ends with its input."""
    server = subprocess.Popen(
        [sys.executable, "-m", Path(__file__).stem],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'client'}:{ROOT / 'tests'}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.communicate)
    return server


def _serve() -> None:
    for name in LOADED_BY_A_RUN:
        import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        application(name for name in asked["command"][:1] if name in COMMANDS)  # its imports stay
        pid = os.fork()
        if pid == 0:
            _become(asked)
            main()
            return
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 -- what the test waits for


def _become(asked: dict) -> None:
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["proposals", *asked["command"]]
    for file, number in zip((os.devnull, *asked["files"]), range(3), strict=True):
        source = os.open(file, os.O_RDWR)
        os.dup2(source, number)
        os.close(source)


if __name__ == "__main__":
    _serve()

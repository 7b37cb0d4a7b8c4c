"""The command `env`: a shell's way to the servers of a running `dev` or `demo`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.local.data_directory import DEFAULT_DATA_DIR, DataDirectory
from cli.output import fail


def env(
    data_dir: Annotated[
        Path, typer.Option(help="The data directory of the running `dev` or `demo`.")
    ] = DEFAULT_DATA_DIR,
) -> None:
    """Print what a shell needs for operators' commands to reach a running `dev` or `demo`.

    Use it as `eval "$(.venv/bin/proposals env)"`. Exits 1 when nothing runs in the data directory.
    """
    data = DataDirectory(data_dir)
    settings = data.environment_of_running()
    if settings is None:
        fail(
            "proposals env",
            f"nothing runs in {data.root}: start it with `proposals dev`, "
            "or name the folder of what runs with --data-dir",
        )
    typer.echo(settings, nl=False)


def env_line(data_dir: Path) -> str:
    """The line that brings a shell, wherever it stands, to the run in the directory."""
    command = [str(Path(sys.executable).with_name("proposals")), "env", "--data-dir", str(data_dir)]
    return f'eval "$({shlex.join(command)})"'

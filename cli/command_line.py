"""The commands `cli ...`: the page that lists every command."""

from pathlib import Path
from typing import Annotated

import typer

from cli.command_group import CommandGroup
from cli.command_reference import command_reference

commands = CommandGroup(no_args_is_help=True, help="The command line itself.")


@commands.command()
def docs(path: Annotated[Path, typer.Argument(help="Where to write the page.")]) -> None:
    """Write docs/reference/cli.md from the commands themselves."""
    from cli.main import COMMANDS, application  # noqa: PLC0415 -- it has this command among its own

    path.write_text(command_reference(application(COMMANDS)))
    typer.echo(f"wrote {path}")

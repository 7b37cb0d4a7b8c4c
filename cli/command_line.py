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
    path.write_text(command_reference(_whole_application()))
    typer.echo(f"wrote {path}")


def _whole_application() -> typer.Typer:
    from cli.main import COMMANDS, application  # noqa: PLC0415 -- it has this module's command among its own

    return application(COMMANDS)

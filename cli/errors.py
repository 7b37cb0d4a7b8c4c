"""The commands `errors ...`: the page that lists every error code."""

from pathlib import Path
from typing import Annotated

import typer

from cli.command_group import CommandGroup
from cli.error_reference import error_reference

commands = CommandGroup(no_args_is_help=True, help="Error codes.")


@commands.command()
def docs(path: Annotated[Path, typer.Argument(help="Where to write the page.")]) -> None:
    """Write docs/reference/errors.md from the catalogue of errors."""
    path.write_text(error_reference())
    typer.echo(f"wrote {path}")

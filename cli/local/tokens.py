"""The command `token`: a bearer token of one of the people of `demo --people`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.local.data_directory import DEFAULT_DATA_DIR
from cli.local.issuer import Issuer, NoSigningKey
from cli.local.people import PEOPLE
from cli.output import fail


def token(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(PEOPLE)}.", autocompletion=lambda: list(PEOPLE))],
    *,
    data_dir: Annotated[
        Path, typer.Option(envvar="PROPOSALS_DATA_DIR", help="The data directory of the demo with people.")
    ] = DEFAULT_DATA_DIR,
) -> None:
    """Print a fresh bearer token, good for 8 hours, of one of the people of `proposals demo --people`.

    Exits 1 when the name is unknown, or no demo with people has run in the data directory.
    """
    person = PEOPLE.get(name)
    if person is None:
        known = (f"  {known.name}: {known.role}" for known in PEOPLE.values())
        fail("proposals token", f"there is no {name} in the demo, but there are", *known)
    try:
        typer.echo(Issuer(data_dir).token(person))
    except NoSigningKey:
        fail(
            "proposals token",
            f"no demo with people has run in {data_dir.absolute()}: "
            "run `proposals demo --people`, or name its folder with --data-dir",
        )
    except OSError as failure:
        fail("proposals token", f"the signing key in {data_dir.absolute()} cannot be read: {failure.strerror}")

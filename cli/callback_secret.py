"""The command `callback-secret`: what the operator of a receiver is given to verify callbacks with."""

from typing import Annotated, Final

import typer

from cli.output import print_error
from cli.settings import settings_or_exit
from domain.callback import host_key, shown_key
from domain.callback_url import UrlRefused, canonical_host

EXIT_FAILED: Final = 1


def callback_secret(
    host: Annotated[str, typer.Argument(help="The host of the receiver's url, without scheme, port or path.")],
) -> None:
    """Print the host's secret for each secret in force, the newest first.

    Exits 1 when the host is none or no secret is configured, 2 on invalid settings.
    """
    secrets = settings_or_exit().callback_rules.secrets
    if not secrets:
        print_error("proposals callback-secret", ["no secret is configured: set PROPOSAL_CALLBACK_SECRETS"])
        raise typer.Exit(EXIT_FAILED)
    try:
        name = canonical_host(host)
    except UrlRefused:
        print_error("proposals callback-secret", [f"{host} is no host: give its name or address alone"])
        raise typer.Exit(EXIT_FAILED) from None
    for secret in secrets:
        typer.echo(shown_key(host_key(secret, name)))

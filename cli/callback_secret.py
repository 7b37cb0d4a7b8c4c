"""The command `callback-secret`: the secret with which a receiver verifies its callbacks."""

from typing import Annotated

import typer

from cli.output import fail
from cli.settings import settings_or_exit
from domain.callback import host_key, shown_key
from domain.callback_url import UrlRefused, canonical_host


def callback_secret(
    host: Annotated[str, typer.Argument(help="The host of the receiver's url, without scheme, port or path.")],
) -> None:
    """Print the host's secret for each secret in force, the newest first.

    Exits 1 when the host is invalid or no secret is configured, 2 on invalid settings.
    """
    secrets = settings_or_exit(secrets=("callback_secrets",)).callback_rules.secrets
    if not secrets:
        fail("proposals callback-secret", "no secret is configured: set PROPOSAL_CALLBACK_SECRETS")
    try:
        name = canonical_host(host)
    except UrlRefused:
        fail("proposals callback-secret", f"{host} is not a host: leave out https://, port and path")
    for secret in secrets:
        typer.echo(shown_key(host_key(secret, name)))

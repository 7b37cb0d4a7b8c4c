"""The command `migrate`."""

import typer
from sqlalchemy.exc import OperationalError

from cli.settings import settings_or_exit
from storage.schema import migrate as migrate_schema


def migrate() -> None:
    """Bring the database's schema to the newest revision; safe when several run at once."""
    settings = settings_or_exit()
    try:
        before, after = migrate_schema(settings.database_url.get_secret_value())
    except OperationalError:
        typer.echo("proposals migrate: PostgreSQL cannot be reached (PROPOSAL_DATABASE_URL)", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"schema is at {after}" if before == after else f"schema went from {before or 'nothing'} to {after}")

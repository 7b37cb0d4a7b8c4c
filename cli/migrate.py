"""The command `migrate`."""

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from cli.settings import settings_or_exit
from runtime.guard_rails import OF_MIGRATE
from storage.migrating import migrate as migrate_schema


def migrate() -> None:
    """Bring the database's schema to the newest revision; safe when several run at once."""
    settings = settings_or_exit(OF_MIGRATE)
    service_url = settings.database_url.get_secret_value()
    owner_url = service_url if settings.owner_database_url is None else settings.owner_database_url.get_secret_value()
    try:
        before, after = migrate_schema(owner_url, service_role=make_url(service_url).username)
    except OperationalError:
        typer.echo("proposals migrate: PostgreSQL cannot be reached (PROPOSAL_DATABASE_URL)", err=True)
        raise typer.Exit(1) from None
    except LookupError as failure:
        typer.echo(f"proposals migrate: {failure.args[0]}: CREATE ROLE it LOGIN first", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"schema is at {after}" if before == after else f"schema went from {before or 'nothing'} to {after}")

"""The command `migrate`."""

from typing import Final

import typer
from psycopg.conninfo import conninfo_to_dict

from cli.output import fail, print_error
from cli.settings import settings_or_exit
from runtime.guard_rails import OF_MIGRATE
from storage.migrating import MigrationFailed, NotConnected
from storage.migrating import migrate as migrate_schema

COMMAND: Final = "proposals migrate"
SECRETS: Final = ("database_url", "owner_database_url")


def migrate() -> None:
    """Bring the database's schema to the newest revision; safe when several run at once.

    A newer schema than this release knows is left alone: exit code 0.
    """
    settings = settings_or_exit(OF_MIGRATE, secrets=SECRETS)
    service_url = settings.database_url.get_secret_value()
    owner = settings.owner_database_url
    owner_url = service_url if owner is None else owner.get_secret_value()
    try:
        role = conninfo_to_dict(service_url).get("user")
        before, after = migrate_schema(owner_url, service_role=None if role is None else str(role), on_wait=_say)
    except NotConnected as failure:
        fail(COMMAND, f"{failure} ({'PROPOSAL_DATABASE_URL' if owner is None else 'PROPOSAL_OWNER_DATABASE_URL'})")
    except MigrationFailed as failure:
        fail(COMMAND, str(failure))
    except LookupError as failure:
        fail(
            COMMAND, f'role "{failure.args[0]}" does not exist. Create it first: CREATE ROLE "{failure.args[0]}" LOGIN'
        )
    if before is not None and before > after:
        typer.echo(f"schema is at {before}, newer than {after}, the newest that this release knows: nothing to do")
    else:
        typer.echo(f"schema is at {after}" if before == after else f"schema went from {before or 'nothing'} to {after}")


def _say(line: str) -> None:
    print_error(COMMAND, [f"waits: {line}"])

"""A data directory of PostgreSQL that is initialised and migrated once and then copied: a copy is there in a moment."""

import subprocess
from pathlib import Path

from cli.local.ports import free_port
from cli.local.postgres import SERVICE_ROLE, EmbeddedPostgres
from storage.migrating import migrate

DATABASE = "proposals"


def make(folder: Path) -> None:
    """Make `folder`, with the data of a server that has stopped; whole or not at all."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    with EmbeddedPostgres(unfinished, free_port(), durable=False) as server:
        server.create_database(DATABASE)
        server.create_service_role()
        migrate(server.dsn(DATABASE), service_role=SERVICE_ROLE)
    unfinished.rename(folder)


def copy(folder: Path, target: Path) -> None:
    """The data with its owner: PostgreSQL may run under an account of its own. Where files can be cloned, `cp` does."""
    subprocess.run(["cp", "-a", folder, target], check=True)

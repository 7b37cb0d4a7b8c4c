"""The database's schema: which revision this code needs, and which one is there."""

from importlib import resources
from typing import Final

from psycopg import AsyncConnection
from psycopg.errors import UndefinedTable

NUMBER_LENGTH: Final = 4


def required_revision() -> str:
    """The revision that this code was written against: the number of the newest migration, such as `0001`."""
    versions = resources.files("storage") / "migrations" / "versions"
    return max(file.name[:NUMBER_LENGTH] for file in versions.iterdir() if file.name[:NUMBER_LENGTH].isdecimal())


async def current_revision(connection: AsyncConnection) -> str | None:
    """The revision that the database is at, None for one that was never migrated."""
    try:
        cursor = await connection.execute("SELECT version_num FROM alembic_version")
    except UndefinedTable:
        return None
    row = await cursor.fetchone()
    return None if row is None else str(row[0])

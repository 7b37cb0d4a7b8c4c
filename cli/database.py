"""PostgreSQL for commands that look at what is stored, and one sentence for why it does not serve them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from domain.errors import StorageUnavailable
from runtime.database import Database
from runtime.settings import Settings
from storage.unit_of_work import Storage

UNREACHED: Final = "PostgreSQL cannot be reached (PROPOSAL_DATABASE_URL)"


class NotServed(Exception):
    """Why PostgreSQL does not do what the command needs."""


@asynccontextmanager
async def connected_storage(
    settings: Settings, *, application_name: str, pool_size: int, must_write: bool = False
) -> AsyncIterator[Storage]:
    """The storage while the block runs, of a standby as well unless it must write. Raises NotServed."""
    dsn = settings.database_url.get_secret_value()
    database = Database(dsn, pool_size=pool_size, application_name=application_name, must_write=must_write)
    async with database.running():
        storage = Storage(database, on_ended=lambda _: None)  # no metrics are read of a command
        try:
            yield storage
        except StorageUnavailable:
            raise NotServed(await _schema_problem(storage) or database.problem or UNREACHED) from None


async def _schema_problem(storage: Storage) -> str | None:
    """None also while PostgreSQL cannot say."""
    try:
        return await storage.schema_problem()
    except StorageUnavailable:
        return None

"""PostgreSQL for commands that look at what is stored, and one sentence for why it does not serve them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.errors import StorageUnavailable
from runtime.database import Database
from runtime.settings import Settings
from storage.unit_of_work import Storage


class NotServed(Exception):
    """Why PostgreSQL does not do what the command needs."""


@asynccontextmanager
async def connected_storage(
    settings: Settings, *, application_name: str, pool_size: int, must_write: bool = False
) -> AsyncIterator[Storage]:
    """The storage while the block runs, of a standby as well unless it must write. Raises NotServed."""
    dsn = settings.database_url.get_secret_value()
    database = Database(dsn, pool_size=pool_size, application_name=application_name, must_write=must_write)
    try:
        async with database.running():
            yield Storage(database, on_ended=lambda _: None)  # no metrics are read of a command
    except StorageUnavailable:
        unreached = (
            "PostgreSQL cannot be reached (PROPOSAL_DATABASE_URL), or its schema is older (run `proposals migrate`)"
        )
        raise NotServed(database.problem or unreached) from None

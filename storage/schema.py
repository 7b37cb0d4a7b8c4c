"""The database's schema: which one this code needs, which one is there, and how to get from one to the other."""

from importlib import resources
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import AsyncConnection
from psycopg.errors import UndefinedTable
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.engine import make_url

from storage.privileges import grants

MIGRATION_LOCK: Final = 0x70726F706F73616C  # "proposal": one migrator at a time, whoever starts it
LOCK_TIMEOUT: Final = "4s"
STATEMENT_TIMEOUT: Final = "10min"


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("storage") / "migrations"))
    return config


def required_revision() -> str:
    """The revision that this code was written against: the newest migration, such as `0001`."""
    head = ScriptDirectory.from_config(_alembic_config()).get_current_head()
    if head is None:
        raise RuntimeError("storage/migrations has no migration")
    return head


async def current_revision(connection: AsyncConnection) -> str | None:
    """The revision that the database is at, None for one that was never migrated."""
    try:
        cursor = await connection.execute("SELECT version_num FROM alembic_version")
    except UndefinedTable:
        return None
    row = await cursor.fetchone()
    return None if row is None else str(row[0])


def migrate(dsn: str, *, service_role: str | None = None) -> tuple[str | None, str]:
    """Bring the schema to the newest revision; safe when several run at once. Answers the revision before and after.

    The tables belong to the role of `dsn`; `service_role`, if it is another one, gets what the service needs of them.
    Raises sqlalchemy's OperationalError when the server cannot be reached, LookupError when there is no such role.
    """
    url = make_url(dsn).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool, connect_args={"application_name": "proposals-migrate"})
    with engine.connect() as connection:
        # The lock comes before the time-outs: lock_timeout would end the wait for the other migrator, too.
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.commit()
        before = MigrationContext.configure(connection).get_current_revision()
        connection.commit()
        config = _alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        if service_role is not None:
            _grant(connection, service_role)
            connection.commit()
    engine.dispose()
    return before, required_revision()


def _grant(connection: Connection, role: str) -> None:
    if connection.scalar(text("SELECT current_user")) == role:
        return
    if connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}) is None:
        raise LookupError(f"the role {role} does not exist")
    for statement in grants(role):
        connection.exec_driver_sql(statement.as_string())

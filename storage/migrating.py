"""Bringing the database's schema from one revision to the next; only the command that does it imports Alembic."""

from importlib import resources
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.engine import make_url

from storage.privileges import grants
from storage.schema import required_revision

MIGRATION_LOCK: Final = 0x70726F706F73616C  # "proposal": one migrator at a time, whoever starts it
LOCK_TIMEOUT: Final = "4s"
STATEMENT_TIMEOUT: Final = "10min"


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("storage") / "migrations"))
    return config


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

"""Bringing the database's schema from one revision to the next; only the command that does it imports Alembic."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from psycopg import errors
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from storage.lock_holder import LockWatch
from storage.privileges import grants
from storage.schema import required_revision

MIGRATION_LOCK: Final = 0x70726F706F73616C  # "proposal": one migrator at a time, on all machines
LOCK_TIMEOUT: Final = "4s"
STATEMENT_TIMEOUT: Final = "10min"
FATAL: Final = re.compile(r"FATAL:\s+(?P<reason>.+)")


class MigrationFailed(Exception):
    """Why a migration failed, in one line; a migration is applied whole or not at all."""


class NotConnected(MigrationFailed):
    """The same, when no session could be opened."""


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("storage") / "migrations"))
    return config


def migrate(
    dsn: str, *, service_role: str | None = None, on_wait: Callable[[str], None] = lambda _: None
) -> tuple[str | None, str]:
    """Bring the schema to the newest revision; safe when several run at once. Returns the revision before and the one
    that this code needs. A newer schema is left as it is, with its grants: they belong to the release that made it.

    The tables belong to the role of `dsn`; `service_role`, if it is another one, gets what the service needs of them.
    `on_wait` is called with one line when another migrator keeps this one waiting.
    Raises MigrationFailed, and LookupError, with its name, when there is no such role.
    """
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(dsn, application_name="proposals-migrate"),  # libpq reads more URLs
        poolclass=NullPool,
    )
    with _named(), engine.connect() as connection, _watched(connection, dsn, on_wait):
        # The lock comes before the time-outs: lock_timeout would end the wait for the other migrator, too.
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.commit()
        before = MigrationContext.configure(connection).get_current_revision()
        connection.commit()
        if before is None or before <= required_revision():
            config = alembic_config()
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
        raise LookupError(role)
    for statement in grants(role):
        connection.exec_driver_sql(statement.as_string())


@contextmanager
def _named() -> Iterator[None]:
    """Turn what the driver raises before there is a session into one line with the cause."""
    try:
        yield
    except DBAPIError as failure:
        said = FATAL.search(str(failure.orig))
        if isinstance(failure.orig, psycopg.ProgrammingError):  # its text may quote a password
            raise NotConnected("libpq cannot read the address of PostgreSQL") from None
        if said is None:
            raise NotConnected("PostgreSQL cannot be reached") from None
        raise NotConnected(f"PostgreSQL refuses the connection: {said['reason']}") from None


@contextmanager
def _watched(connection: Connection, dsn: str, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Turn a refusal of the server into one line with the cause; any other error is a bug of a migration."""
    pid = connection.scalar(text("SELECT pg_backend_pid()"))
    connection.commit()
    with LockWatch(dsn, pid, on_wait=on_wait) as watch:
        try:
            yield
        except DBAPIError as failure:
            cause = failure.orig
            if isinstance(cause, errors.LockNotAvailable):
                reason = watch.held or f"a lock was not free within {LOCK_TIMEOUT}: run it again"
            elif isinstance(cause, errors.QueryCanceled):
                reason = (
                    f"PostgreSQL ended a statement ({cause.diag.message_primary}; the limit is {STATEMENT_TIMEOUT})"
                )
            elif isinstance(cause, errors.InsufficientPrivilege):
                reason = f"{cause.diag.message_primary}: the role of this command must own the schema and its tables"
            elif isinstance(cause, errors.ReadOnlySqlTransaction):
                reason = "PostgreSQL takes no writes: it is a standby, or default_transaction_read_only is on"
            elif isinstance(cause, psycopg.OperationalError | psycopg.InternalError):
                reason = f"PostgreSQL failed with SQLSTATE {cause.sqlstate or 'unknown'} ({type(cause).__name__})"
            else:
                raise
            raise MigrationFailed(reason) from None

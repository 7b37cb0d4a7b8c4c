"""What an operator or a failover does to a database that goes on answering."""

import psycopg
from psycopg.sql import SQL, Identifier

from cli.local.postgres import SERVICE_ROLE


def alter(dsn: str, *statements: str) -> None:
    """By the owner, who may write in a read-only phase, too."""
    with psycopg.connect(dsn, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        for statement in statements:
            connection.execute(statement)


def take_no_writes(dsn: str) -> None:
    """New sessions are read-only. Those that are open are not."""
    _alter_database(dsn, "SET default_transaction_read_only = on")


def take_writes(dsn: str) -> None:
    _alter_database(dsn, "RESET default_transaction_read_only")


def fail_over(dsn: str) -> None:
    """To a server that takes no writes: the service has only new sessions."""
    take_no_writes(dsn)
    alter(
        dsn,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE usename = '{SERVICE_ROLE}' AND datname = current_database()",
    )


def _alter_database(dsn: str, change: str) -> None:
    with psycopg.connect(dsn, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        connection.execute(SQL("ALTER DATABASE {} {}").format(Identifier(connection.info.dbname), SQL(change)))

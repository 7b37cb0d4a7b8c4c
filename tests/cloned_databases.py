"""Databases for tests: clones of the migrated one, used again after tests that left nothing but rows.

A clone is 300 files to copy and to delete: several times what it costs to empty the tables that have rows.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from migrated_postgres import DATABASE
from psycopg.sql import SQL, Identifier

from cli.local.postgres import EmbeddedPostgres

OTHER_SESSIONS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
WITH_ROWS = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
AND pg_relation_size(oid) > 0
"""
# All that a test may alter but rows: structure, rights, settings, and statistics, by which statements are planned.
SHAPE = """
SELECT md5(string_agg(part, '' ORDER BY part)) FROM (
    SELECT (oid, relname, relkind, relpersistence, relowner, relacl, reloptions, reltuples, relrowsecurity)::text
    FROM pg_class WHERE oid >= 16384
    UNION ALL SELECT (attrelid, attnum, xmin)::text FROM pg_attribute WHERE attrelid >= 16384
    UNION ALL SELECT (indexrelid, indisvalid)::text FROM pg_index WHERE indexrelid >= 16384
    UNION ALL SELECT (starelid, staattnum)::text FROM pg_statistic WHERE starelid >= 16384
    UNION ALL SELECT (oid, xmin)::text FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT (oid, xmin)::text FROM pg_type WHERE oid >= 16384
    UNION ALL SELECT (oid, xmin)::text FROM pg_constraint
    UNION ALL SELECT (oid, xmin)::text FROM pg_trigger
    UNION ALL SELECT (oid, xmin)::text FROM pg_event_trigger
    UNION ALL SELECT (oid, xmin)::text FROM pg_namespace
    UNION ALL SELECT (oid, xmin)::text FROM pg_default_acl
    UNION ALL SELECT (oid, xmin)::text FROM pg_extension
    UNION ALL SELECT (datacl, datconnlimit, setrole, setconfig)::text
    FROM pg_database d LEFT JOIN pg_db_role_setting ON setdatabase = d.oid WHERE datname = current_database()
    UNION ALL SELECT version_num FROM alembic_version
) AS parts (part)
"""


class ClonedDatabases:
    """Each test has a name of its own for its database, so that what an earlier test left running finds none."""

    def __init__(self, server: EmbeddedPostgres, control: psycopg.Connection) -> None:
        """`control` is a connection of the superuser to none of them."""
        self._server = server
        self._control = control
        self._empty: list[str] = []
        with psycopg.connect(server.dsn(DATABASE)) as connection:
            assert not connection.execute(WITH_ROWS).fetchall()
            self._shape = connection.execute(SHAPE).fetchone()

    @contextmanager
    def one(self) -> Iterator[str]:
        """The DSN of a migrated database without rows."""
        name = f"test_{uuid.uuid4().hex}"
        if not (self._empty and self._is_renamed(self._empty.pop(), name)):
            self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, DATABASE)
        yield self._server.dsn(name)
        if self._is_as_before(name):
            self._empty.append(name)
        else:
            self._drop(name)

    def _is_renamed(self, name: str, new_name: str) -> bool:
        try:
            self._run("ALTER DATABASE {} RENAME TO {}", name, new_name)
        except psycopg.errors.ObjectInUse:  # by what a test left running
            self._drop(name)
            return False
        return True

    def _is_as_before(self, name: str) -> bool:
        """Empty the tables; return whether the database is then as the clone was."""
        try:
            with psycopg.connect(self._server.dsn(name), autocommit=True, options="-c lock_timeout=5s") as connection:
                connection.execute(OTHER_SESSIONS)
                if tables := connection.execute(WITH_ROWS).fetchall():
                    connection.execute("SET session_replication_role = replica")  # no trigger refuses it
                    listed = SQL(", ").join(Identifier(table) for (table,) in tables)
                    connection.execute(SQL("TRUNCATE {} CASCADE").format(listed))
                return connection.execute(SHAPE).fetchone() == self._shape
        except psycopg.Error:
            return False

    def _drop(self, name: str) -> None:
        self._run("DROP DATABASE {} WITH (FORCE)", name)

    def _run(self, statement: Any, *names: str) -> None:
        self._control.execute(SQL(statement).format(*map(Identifier, names)))

"""Databases for tests: clones of the migrated one, used again after tests that left nothing but rows.

A clone is 300 files to copy and to delete: 15 ms of CPU, five times what it costs to empty it.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from migrated_postgres import DATABASE
from psycopg.sql import SQL, Identifier
from waiting import PATIENCE_SECONDS

from cli.local.postgres import EmbeddedPostgres

OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
WITH_ROWS = """
SELECT relname, pg_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
AND pg_relation_size(oid) > 0
"""
# So large a table that has never been analysed is to the planner when it is smaller, or empty.
PLANNED_BYTES: Final = 10 * 8192
# No trigger refuses to delete; nothing is waited for.
OPTIONS: Final = "-c session_replication_role=replica -c lock_timeout=5s -c application_name=tests"
# All that a test may alter but rows: structure, rights, settings, and statistics, by which statements are planned.
SHAPE = """
SELECT md5(string_agg(part, '' ORDER BY part)) FROM (
    SELECT (oid, relname, relkind, relpersistence, relowner, relacl, reloptions, relrowsecurity,
            CASE relkind WHEN 'r' THEN reltuples ELSE greatest(reltuples, 0) END)::text -- an index without rows: 0, -1
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
    """A session stays in each: to open one, which then reads the catalog, takes longer than to empty the tables."""

    def __init__(self, server: EmbeddedPostgres, control: psycopg.Connection) -> None:
        """`control` is a connection of the superuser to none of them."""
        self._server = server
        self._control = control
        self._empty: list[psycopg.Connection] = []
        with psycopg.connect(server.dsn(DATABASE)) as connection:
            assert not connection.execute(WITH_ROWS).fetchall()
            self._shape = connection.execute(SHAPE).fetchone()

    def close(self) -> None:
        for session in self._empty:
            session.close()

    @contextmanager
    def one(self) -> Iterator[str]:
        """The DSN of a migrated database without rows."""
        session = self._emptied()
        name = f"test_{uuid.uuid4().hex}" if session is None else session.info.dbname
        if session is None:
            self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, DATABASE)
        yield self._server.dsn(name)
        try:
            session = session or psycopg.connect(self._server.dsn(name), autocommit=True, options=OPTIONS)
            is_as_before = self._is_as_before(session)
        except psycopg.Error:
            is_as_before = False
        if session is not None and is_as_before:
            self._empty.append(session)
        else:
            self._drop(name, session)

    def _emptied(self) -> psycopg.Connection | None:
        """One that nothing uses: what a test left running may have found it again."""
        while self._empty:
            session = self._empty.pop()
            with suppress(psycopg.Error):
                if not session.execute(f"SELECT {OTHERS}").fetchall():
                    return session
            self._drop(session.info.dbname, session)
        return None

    def _is_as_before(self, session: psycopg.Connection) -> bool:
        """Empty the tables; return whether the database is then as the clone was."""
        session.execute(f"SELECT pg_terminate_backend(pid, 5000) {OTHERS}")
        if tables := session.execute(WITH_ROWS).fetchall():
            names = [Identifier(table) for table, _ in tables]
            is_small = all(size <= PLANNED_BYTES for _, size in tables)
            session.execute(
                SQL(";").join(SQL("DELETE FROM {}").format(name) for name in names)
                if is_small
                else SQL("TRUNCATE {} CASCADE").format(SQL(", ").join(names))
            )
        return session.execute(SHAPE).fetchone() == self._shape

    def _drop(self, name: str, session: psycopg.Connection | None) -> None:
        if session is not None:
            session.close()
        self._run("DROP DATABASE {} WITH (FORCE)", name)

    def _run(self, statement: Any, *names: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._control.execute(SQL(statement).format(*map(Identifier, names)))
            except psycopg.errors.ObjectInUse:  # PostgreSQL waits five seconds for sessions, autovacuum's too, to end
                if time.monotonic() > deadline:
                    raise
            else:
                return

"""The command `migrate` where it cannot simply do its work: one line with the cause."""

import os
import subprocess
import sys
import threading
import time

import forked_commands
import psycopg
import pytest
from alembic import command
from broken_postgres import alter, take_no_writes
from psycopg.sql import SQL, Identifier
from running_service import ROOT
from sqlalchemy import create_engine
from waiting import PATIENCE_SECONDS

from cli.local.ports import free_port
from cli.local.postgres import SERVICE_ROLE
from storage.migrating import MIGRATION_LOCK, alembic_config
from storage.schema import required_revision

# A wait for a lock would end by itself before an operator who is slow has cancelled it.
ENDLESS_CHANGES = """
CREATE FUNCTION endless() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1000); END'
"""


def environment(owner_dsn: str, service_dsn: str | None = None) -> dict[str, str]:
    ambient = {name: value for name, value in os.environ.items() if not name.startswith("PROPOSAL_")}
    return ambient | {"PROPOSAL_DATABASE_URL": service_dsn or owner_dsn, "PROPOSAL_OWNER_DATABASE_URL": owner_dsn}


def launched(owner_dsn: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "migrate"],
        env=environment(owner_dsn),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def migrate(owner_dsn: str, service_dsn: str | None = None) -> tuple[int, list[str], list[str]]:
    """Exit code, lines of output, lines of errors."""
    ran = forked_commands.run("migrate", env=environment(owner_dsn, service_dsn))
    return ran.returncode, ran.stdout.splitlines(), ran.stderr.splitlines()


@pytest.fixture
def older_dsn(postgres_server, database_dsn):
    """A database of the release that had not altered `operations` yet."""
    name = f"older_{psycopg.conninfo.conninfo_to_dict(database_dsn)['dbname']}"
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        dsn = postgres_server.dsn(name)
        engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as migrated:
            config = alembic_config()
            config.attributes["connection"] = migrated
            command.upgrade(config, "0003")
            migrated.commit()
        engine.dispose()
        yield dsn
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def test_a_newer_schema_is_left_as_it_is(database_dsn, service_dsn):
    alter(
        database_dsn,
        "UPDATE alembic_version SET version_num = '9999'",
        f"REVOKE INSERT ON operations FROM {SERVICE_ROLE}",  # a privilege that the newer release does not give
    )
    newest = required_revision()
    assert migrate(database_dsn, service_dsn) == (
        0,
        [f"schema is at 9999, newer than {newest}, the newest that this release knows: nothing to do"],
        [],
    )
    with psycopg.connect(service_dsn) as connection:
        may = connection.execute("SELECT has_table_privilege('operations', 'INSERT')").fetchone()
    assert may == (False,)


def test_a_command_tells_an_older_schema_from_a_server_that_is_not_there(older_dsn):
    said = []
    for dsn in (older_dsn, f"postgresql://x@127.0.0.1:{free_port()}/x"):
        ran = subprocess.run(
            [sys.executable, "-m", "cli.main", "operation", "pop_0"],
            env={**os.environ, "PROPOSAL_DATABASE_URL": dsn},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stdout) == (1, "")
        said.append(ran.stderr.splitlines()[-1])
    assert said == [
        f"proposals operation: schema is at 0003, {required_revision()} is needed: run `proposals migrate`",
        "proposals operation: PostgreSQL cannot be reached (PROPOSAL_DATABASE_URL)",
    ]


def test_a_service_role_that_is_missing_is_named_with_the_statement_that_creates_it(database_dsn):
    code, _, errors = migrate(database_dsn, database_dsn.replace("//postgres@", "//no_such_role@"))
    statement = 'CREATE ROLE "no_such_role" LOGIN'
    said = f'proposals migrate: role "no_such_role" does not exist. Create it first: {statement}'
    assert (code, errors) == (1, [said])


def test_a_lock_that_is_held_is_named_with_its_holder(older_dsn):
    with psycopg.connect(older_dsn, application_name="monthly report") as holder:
        holder.execute("LOCK TABLE operations IN ACCESS SHARE MODE")
        code, output, errors = migrate(older_dsn)
        assert (code, output, len(errors)) == (1, [], 1)
        assert errors[0].startswith(
            f"proposals migrate: the table operations is locked by the session with pid {holder.info.backend_pid} "
            "(role postgres, application monthly report, idle in transaction, in a transaction since "
        )
        assert "LOCK TABLE" not in errors[0]
    assert migrate(older_dsn)[0] == 0


def test_a_migrator_that_waits_for_another_one_says_so(database_dsn):
    with psycopg.connect(database_dsn, autocommit=True, application_name="another migrator") as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        process = launched(database_dsn)
        assert process.stderr is not None
        watchdog = threading.Timer(PATIENCE_SECONDS, process.kill)
        watchdog.start()
        line = process.stderr.readline()
        assert line.startswith("proposals migrate: waits: the lock of migrations is locked by the session with pid ")
        assert f"pid {holder.info.backend_pid} (role postgres, application another migrator, idle" in line
        assert process.poll() is None
        holder.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
        output, errors = process.communicate()
        watchdog.cancel()
    assert (process.returncode, output.strip(), errors) == (0, f"schema is at {required_revision()}", "")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda dsn: dsn.replace("//postgres@", "//no_such_role@"), 'role "no_such_role" does not exist'),
        (lambda dsn: f"{dsn}_not", "does not exist"),
        (lambda _: f"postgresql://postgres@127.0.0.1:{free_port()}/proposals", "PostgreSQL cannot be reached"),
        (lambda dsn: f"{dsn}?connect_timeout=secret", "libpq cannot read the address"),
    ],
)
def test_a_session_that_is_not_to_be_had(database_dsn, change, cause):
    code, output, errors = migrate(change(database_dsn), database_dsn)
    assert (code, output, len(errors)) == (1, [], 1)
    assert cause in errors[0]
    assert errors[0].endswith("(PROPOSAL_OWNER_DATABASE_URL)")
    assert "secret" not in errors[0]


def test_a_role_that_may_not_alter_the_schema(older_dsn):
    owner = older_dsn.replace("//postgres@", f"//{SERVICE_ROLE}@")
    code, output, errors = migrate(owner)
    assert (code, output, len(errors)) == (1, [], 1)
    assert "permission denied" in errors[0]
    assert "must own" in errors[0]


def test_a_statement_that_the_server_ends(older_dsn):
    alter(older_dsn, ENDLESS_CHANGES, "CREATE EVENT TRIGGER endless ON ddl_command_start EXECUTE FUNCTION endless()")
    process = launched(older_dsn)
    with psycopg.connect(older_dsn, autocommit=True) as operator:
        deadline = time.monotonic() + PATIENCE_SECONDS
        cancel = (
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'proposals-migrate' AND wait_event = 'PgSleep'"
            " AND datname = current_database()"
        )
        while operator.execute(cancel).fetchone() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    output, errors = process.communicate()
    assert (process.returncode, output) == (1, "")
    assert errors.splitlines() == [
        "proposals migrate: PostgreSQL ended a statement (canceling statement due to user request; the limit is 10min)"
    ]


def test_a_server_that_takes_no_writes(older_dsn):
    take_no_writes(older_dsn)
    code, output, errors = migrate(older_dsn)
    assert (code, output, len(errors)) == (1, [], 1)
    assert "takes no writes" in errors[0]


def test_an_address_with_several_hosts_finds_the_one_that_takes_writes(database_dsn):
    host = psycopg.conninfo.conninfo_to_dict(database_dsn)
    dsn = (
        f"postgresql://postgres@127.0.0.1:{free_port()},127.0.0.1:{host['port']}/{host['dbname']}"
        "?target_session_attrs=read-write"
    )
    assert migrate(dsn) == (0, [f"schema is at {required_revision()}"], [])

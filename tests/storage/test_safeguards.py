"""What protects evidence in the database, and each way in which it can be put out of order."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from cli.local.postgres import SERVICE_ROLE
from services.audit import AuditVerification
from storage.migrating import migrate
from storage.unit_of_work import Storage

OTHER_FUNCTION = "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$"

BREACHES = {
    "a trigger is disabled": (
        "ALTER TABLE workflow_events DISABLE TRIGGER workflow_events_append_only",
        "workflow_events workflow_events_append_only is a trigger that is disabled",
    ),
    "a trigger runs for replicas alone": (
        "ALTER TABLE approvals ENABLE REPLICA TRIGGER approvals_no_truncate",
        "approvals approvals_no_truncate is a trigger that is disabled",
    ),
    "a trigger is dropped": (
        "DROP TRIGGER documents_immutable ON documents",
        "documents documents_immutable is a trigger that is missing",
    ),
    "a trigger has a condition": (
        (
            "CREATE OR REPLACE TRIGGER proposal_versions_append_only BEFORE UPDATE OR DELETE ON proposal_versions"
            " FOR EACH ROW WHEN (OLD.version_no > 1) EXECUTE FUNCTION refuse_change()"
        ),
        "proposal_versions proposal_versions_append_only is another trigger than migrations made",
    ),
    "a trigger watches fewer columns": (
        (
            "CREATE OR REPLACE TRIGGER documents_immutable BEFORE UPDATE OF kind ON documents"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        ),
        "documents documents_immutable is another trigger than migrations made",
    ),
    "a trigger is added": (
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
            "CREATE TRIGGER lost BEFORE INSERT ON approvals FOR EACH ROW EXECUTE FUNCTION f()"
        ),
        "approvals lost is a trigger that no migration made",
    ),
    "the triggers' function lets pass": (
        OTHER_FUNCTION.format("RETURN NEW;"),
        "workflow_events workflow_events_no_truncate runs another function than migrations made",
    ),
    "the triggers' function has settings": (
        "ALTER FUNCTION refuse_change() SET search_path = ''",
        "approvals approvals_append_only runs another function than migrations made",
    ),
    "foreign keys are not checked": (
        "ALTER TABLE proposal_versions DISABLE TRIGGER ALL",
        "proposal_versions RI_ConstraintTrigger",
    ),
    "a foreign key is dropped": (
        "ALTER TABLE proposal_versions DROP CONSTRAINT proposal_versions_request",
        "proposal_versions proposal_versions_request is a foreign key that is missing or not enforced",
    ),
    "a foreign key is not enforced": (
        "ALTER TABLE simulations ALTER CONSTRAINT simulations_result NOT ENFORCED",
        "simulations simulations_result is a foreign key that is missing or not enforced",
    ),
    "rows are hidden": (
        "ALTER TABLE workflow_events ENABLE ROW LEVEL SECURITY",
        "workflow_events workflow_events has row security or rules, which no migration made",
    ),
    "a rule rewrites": (
        "CREATE RULE quiet AS ON DELETE TO approvals DO INSTEAD NOTHING",
        "approvals approvals has row security or rules, which no migration made",
    ),
    "the service may update": (
        f"GRANT UPDATE ON workflow_events TO {SERVICE_ROLE}",
        f"workflow_events {SERVICE_ROLE} may UPDATE, which no migration grants",
    ),
    "the service may update a column": (
        f"GRANT UPDATE (client) ON proposal_versions TO {SERVICE_ROLE}",
        f"proposal_versions {SERVICE_ROLE} may UPDATE, which no migration grants",
    ),
    "everybody may truncate": (
        "GRANT TRUNCATE ON documents TO PUBLIC",
        "documents PUBLIC may TRUNCATE, which no migration grants",
    ),
    "the service owns a table": (
        f"ALTER TABLE approvals OWNER TO {SERVICE_ROLE}",
        f"approvals {SERVICE_ROLE} owns this table, but not all of them",
    ),
    "a database without triggers": (
        (
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica',"
            " current_database()); END $$"
        ),
        "pg_db_role_setting every role runs no triggers: it is a replica",
    ),
}


async def verified(storage: Storage) -> list[str]:
    audit = AuditVerification(storage, against={}, progress=lambda _: None)
    return [str(row) async for row in audit.everything()]


async def test_what_migrations_leave_is_in_order(storage: Storage, database_dsn):
    assert await verified(storage) == []
    migrate(database_dsn, service_role=SERVICE_ROLE)
    assert await verified(storage) == []


@pytest.mark.parametrize("name", BREACHES)
async def test_a_breach_is_named(storage: Storage, database_dsn, name):
    statements, expected = BREACHES[name]
    with psycopg.connect(database_dsn) as connection:
        connection.execute(statements)
    broken = await verified(storage)
    assert any(line.startswith(expected) for line in broken), broken


async def test_a_member_of_the_owner_is_named(storage: Storage, database_dsn, owner):
    with psycopg.connect(database_dsn) as connection:
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            connection.execute(SQL("ALTER TABLE {} OWNER TO {}").format(Identifier(table), Identifier(owner)))
        connection.execute(SQL("ALTER FUNCTION refuse_change() OWNER TO {}").format(Identifier(owner)))
    assert await verified(storage) == []
    with psycopg.connect(database_dsn) as connection:
        connection.execute(SQL("GRANT {} TO {}").format(Identifier(owner), Identifier(SERVICE_ROLE)))
    expected = f"documents {SERVICE_ROLE} is a member of {owner}, which owns this table"
    assert expected in await verified(storage)


@pytest.fixture
def owner(database_dsn: str) -> Iterator[str]:
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE proposals_owner")
        yield "proposals_owner"
        connection.execute("DROP OWNED BY proposals_owner")
        connection.execute("DROP ROLE proposals_owner")


async def test_where_the_service_owns_its_tables_they_are_in_order_and_a_breach_is_named(
    storage: Storage, database_dsn
):
    """As on one machine, with one role for everything."""
    with psycopg.connect(database_dsn) as connection:
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            connection.execute(SQL("ALTER TABLE {} OWNER TO {}").format(Identifier(table), Identifier(SERVICE_ROLE)))
        connection.execute(SQL("ALTER FUNCTION refuse_change() OWNER TO {}").format(Identifier(SERVICE_ROLE)))
    assert await verified(storage) == []
    with psycopg.connect(database_dsn) as connection:
        connection.execute("ALTER TABLE workflow_events DISABLE TRIGGER workflow_events_append_only")
    assert await verified(storage) == ["workflow_events workflow_events_append_only is a trigger that is disabled"]

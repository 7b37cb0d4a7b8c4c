"""The protection of evidence in the database: triggers, foreign keys, grants and owners, as migrations leave them.

The service's own role can undo none of it. A role that can is also able to change evidence without a trace while a
trigger is off, so verification names what is not in place. It misses one case: a change of every owner at once looks
like a set-up where the service's role migrates.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from psycopg import AsyncConnection

from domain.audit_check import BrokenRow
from storage.documents import FOREIGN_KEYS
from storage.privileges import ADD, PRIVILEGES

APPEND_ONLY: Final = tuple(table for table, granted in PRIVILEGES.items() if granted == ADD)
NO_CHANGE: Final = "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
NO_TRUNCATE: Final = "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
# As pg_get_triggerdef writes what migrations 0001 and 0013 create.
TRIGGERS: Final = {
    ("documents", "documents_immutable"): f"BEFORE UPDATE ON documents {NO_CHANGE}",
    **{(table, f"{table}_append_only"): f"BEFORE DELETE OR UPDATE ON {table} {NO_CHANGE}" for table in APPEND_ONLY},
    **{
        (table, f"{table}_no_truncate"): f"BEFORE TRUNCATE ON {table} {NO_TRUNCATE}"
        for table in ("documents", *APPEND_ONLY)
    },
}
REFUSAL: Final = """
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are evidence', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
"""

TABLES: Final = "SELECT c.* FROM unnest(%(tables)s::text[]) AS name JOIN pg_class c ON c.oid = to_regclass(name)"
SELECT_TRIGGERS: Final = f"""
SELECT c.relname, t.tgname, t.tgisinternal, t.tgenabled::text,
    replace(pg_get_triggerdef(t.oid, true), format('CREATE TRIGGER %%I ', t.tgname), ''),
    l.lanname, p.prosrc, p.proconfig IS NULL AND p.proowner = c.relowner
FROM ({TABLES}) c JOIN pg_trigger t ON t.tgrelid = c.oid
JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang
"""
SELECT_FOREIGN_KEYS: Final = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE contype = 'f' AND convalidated AND confrelid = to_regclass('documents')
"""
SELECT_TABLES: Final = f"""
SELECT c.relname, c.relrowsecurity OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid),
    c.relowner = (SELECT relowner FROM pg_class WHERE oid = to_regclass('alembic_version')),
    pg_get_userbyid(c.relowner),
    CASE WHEN r.rolname <> pg_get_userbyid(c.relowner) AND NOT r.rolsuper AND pg_has_role(r.oid, c.relowner, 'MEMBER')
        THEN r.rolname END
FROM ({TABLES}) c JOIN pg_roles r ON r.rolname = current_user
"""
# Also grants on single columns. The owner's rights are its own.
SELECT_GRANTS: Final = f"""
SELECT DISTINCT c.relname, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type
FROM ({TABLES}) c
CROSS JOIN LATERAL (
    SELECT c.relacl AS acl UNION ALL SELECT attacl FROM pg_attribute WHERE attrelid = c.oid) acls
CROSS JOIN LATERAL aclexplode(acls.acl) a
WHERE a.grantee <> c.relowner
"""
# As a replica a session runs no triggers.
SELECT_REPLICAS: Final = """
SELECT coalesce(pg_get_userbyid(nullif(setrole, 0)), 'every role') FROM pg_db_role_setting, unnest(setconfig) AS setting
WHERE setting LIKE 'session_replication_role=%%' AND setting <> 'session_replication_role=origin'
    AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
UNION SELECT 'every role' WHERE current_setting('session_replication_role') <> 'origin'
"""


async def broken_safeguards(connection: AsyncConnection) -> list[BrokenRow]:
    """Everything about the tables of `PRIVILEGES` that is not as migrations left it."""

    async def rows(statement: str) -> Sequence[tuple[Any, ...]]:
        cursor = await connection.execute(statement, {"tables": list(PRIVILEGES)})
        return await cursor.fetchall()

    found = [
        *_triggers(await rows(SELECT_TRIGGERS)),
        *_foreign_keys(await rows(SELECT_FOREIGN_KEYS)),
        *_tables(await rows(SELECT_TABLES)),
        *_grants(await rows(SELECT_GRANTS)),
        *(
            BrokenRow(table="pg_db_role_setting", row=role, reason="runs no triggers: it is a replica")
            for (role,) in await rows(SELECT_REPLICAS)
        ),
    ]
    return sorted(found, key=lambda broken: (broken.table, broken.row, broken.reason))


def _triggers(rows: Sequence[tuple[Any, ...]]) -> Iterator[BrokenRow]:
    missing = dict(TRIGGERS)
    for table, name, is_internal, enabled, definition, language, source, is_plain in rows:
        expected = missing.pop((table, name), None)
        if enabled != "O":
            yield BrokenRow(table=table, row=name, reason="is a trigger that is disabled")
        if is_internal:  # those of foreign keys
            continue
        if expected is None:
            yield BrokenRow(table=table, row=name, reason="is a trigger that no migration made")
        elif definition != expected:
            yield BrokenRow(table=table, row=name, reason="is another trigger than migrations made")
        elif (language, source, is_plain) != ("plpgsql", REFUSAL, True):
            yield BrokenRow(table=table, row=name, reason="runs another function than migrations made")
    for table, name in missing:
        yield BrokenRow(table=table, row=name, reason="is a trigger that is missing")


def _foreign_keys(rows: Sequence[tuple[Any, ...]]) -> Iterator[BrokenRow]:
    for table, name in FOREIGN_KEYS - {(table, name) for table, name in rows}:
        yield BrokenRow(table=table, row=name, reason="is a foreign key that is missing or not enforced")


def _tables(rows: Sequence[tuple[Any, ...]]) -> Iterator[BrokenRow]:
    for table in PRIVILEGES.keys() - {row[0] for row in rows}:
        yield BrokenRow(table=table, row=table, reason="is a table that is missing")
    for table, is_rewritten, is_migrators, owner, member in rows:
        if is_rewritten:
            yield BrokenRow(table=table, row=table, reason="has row security or rules, which no migration made")
        if not is_migrators:
            yield BrokenRow(table=table, row=owner, reason="owns this table, but not all of them")
        if member is not None:
            yield BrokenRow(table=table, row=member, reason=f"is a member of {owner}, which owns this table")


def _grants(rows: Sequence[tuple[Any, ...]]) -> Iterator[BrokenRow]:
    for table, role, privilege in rows:
        if privilege not in PRIVILEGES[table].split(", "):
            yield BrokenRow(table=table, row=role, reason=f"may {privilege}, which no migration grants")

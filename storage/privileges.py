"""The privileges of the service's role on each table; the tables belong to another role, which migrates.

Only an owner can disable a trigger, and a role without UPDATE and DELETE cannot even try to change evidence.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from psycopg import AsyncConnection
from psycopg.sql import SQL, Composed, Identifier

READ: Final = "SELECT"
ADD: Final = "SELECT, INSERT"
ADD_AND_PURGE: Final = "SELECT, INSERT, DELETE"
KEEP: Final = "SELECT, INSERT, UPDATE, DELETE"

PRIVILEGES: Final[Mapping[str, str]] = {
    "alembic_version": READ,
    "workflow_events": ADD,
    "approvals": ADD,
    "proposal_versions": ADD,
    "evidence_checkpoints": ADD,
    "checkpoint_heads": ADD,
    "documents": ADD_AND_PURGE,
    "review_keys": ADD_AND_PURGE,
    "expired_operations": ADD_AND_PURGE,
    "documents_to_purge": ADD_AND_PURGE,
    "proposals": "SELECT, INSERT, UPDATE",
    "start_turns": "SELECT, INSERT, UPDATE",
    "operations": KEEP,
    "operation_correlation_ids": KEEP,
    "idempotency_keys": KEEP,
    "simulations": KEEP,
    "callback_deliveries": KEEP,
    "callback_attempts": KEEP,
    "batch_chunks": KEEP,
}


def grants(role: str) -> Iterator[Composed]:
    """Statements that leave the role with these privileges and no others on these tables."""
    for table, privileges in PRIVILEGES.items():
        names = {"table": Identifier(table), "role": Identifier(role)}
        yield SQL("REVOKE ALL ON {table} FROM {role}").format(**names)
        yield SQL("GRANT {privileges} ON {table} TO {role}").format(privileges=SQL(privileges), **names)


_NEEDED: Final = [(table, privilege) for table, granted in PRIVILEGES.items() for privilege in granted.split(", ")]
# A name that is no table, or that the role cannot see, has no oid.
SELECT_MISSING: Final = """
SELECT table_name, privilege, to_regclass(table_name) IS NULL
FROM unnest(%(tables)s::text[], %(privileges)s::text[]) AS needed (table_name, privilege)
WHERE has_table_privilege(to_regclass(table_name), privilege) IS NOT TRUE
LIMIT 1
"""


async def missing_privilege(connection: AsyncConnection) -> str | None:
    """One sentence about the first table, or right to a table, that the connected role lacks; None when it has all."""
    cursor = await connection.execute(
        SELECT_MISSING, {"tables": [table for table, _ in _NEEDED], "privileges": [name for _, name in _NEEDED]}
    )
    if (row := await cursor.fetchone()) is None:
        return None
    table, privilege, is_absent = row
    if is_absent:
        return f"The table {table} is missing, or the role of PROPOSAL_DATABASE_URL cannot see it."
    return f"The role of PROPOSAL_DATABASE_URL may not {privilege} {table}: run `proposals migrate`, which grants it."

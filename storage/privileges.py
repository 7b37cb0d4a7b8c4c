"""What the service's own role may do with each table; the tables belong to another role, which migrates.

Only an owner can disable a trigger, and only who may UPDATE or DELETE can even try to change evidence.
"""

from collections.abc import Iterator, Mapping
from typing import Final

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
    "documents": ADD_AND_PURGE,
    "simulations": ADD_AND_PURGE,
    "review_keys": ADD_AND_PURGE,
    "expired_operations": ADD_AND_PURGE,
    "documents_to_purge": ADD_AND_PURGE,
    "proposals": "SELECT, INSERT, UPDATE",
    "operations": KEEP,
    "idempotency_keys": KEEP,
    "callback_deliveries": KEEP,
    "callback_attempts": KEEP,
}


def grants(role: str) -> Iterator[Composed]:
    """Statements that leave the role with these privileges and no others on these tables."""
    for table, privileges in PRIVILEGES.items():
        names = {"table": Identifier(table), "role": Identifier(role)}
        yield SQL("REVOKE ALL ON {table} FROM {role}").format(**names)
        yield SQL("GRANT {privileges} ON {table} TO {role}").format(privileges=SQL(privileges), **names)

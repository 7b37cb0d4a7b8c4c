"""The errors of PostgreSQL that are outages, by their SQLSTATE: the only place that decides this (R47)."""

from typing import Final

from psycopg import Error, InterfaceError, OperationalError
from psycopg.errors import PipelineAborted

READ_ONLY: Final = "25006"
TIMEOUT: Final = "57014"

# Connections, resources, operators' interventions, the system around the server, the server's own faults.
OUTAGE_CLASSES: Final = ("08", "53", "57", "58", "XX")
# Read-only sessions, transactions that the server has ended, lost grants, lost tables.
OUTAGE_STATES: Final = (READ_ONLY, "25P0", "42501", "42P01")
# No outage, but no bug either: the same statement passes when the other transaction has ended.
CONTENTION_STATES: Final = ("40001", "40P01", "55P03")
# What an operator must put right, and what a probe that does not write cannot see.
LASTING: Final = (*OUTAGE_STATES, "53", "58", "XX")


def sqlstate_of(error: Error) -> str | None:
    """The SQLSTATE of the error, or None: the server said nothing, because the connection is lost.

    After the first failure of a pipeline psycopg raises PipelineAborted, and the server 25P02 in a failed transaction:
    what failed first is in the context of either.
    """
    failure = error
    while isinstance(failure, PipelineAborted) or failure.sqlstate == "25P02":
        cause = failure.__cause__ or failure.__context__
        if not isinstance(cause, Error):
            break
        failure = cause
    return failure.sqlstate


def is_outage(error: Error) -> bool:
    """Whether PostgreSQL is unavailable; any other error is a bug, or a conflict of transactions."""
    sqlstate = sqlstate_of(error)
    if sqlstate is None:
        return isinstance(error, OperationalError | InterfaceError)
    return sqlstate.startswith((*OUTAGE_CLASSES, *OUTAGE_STATES))


def is_contention(error: Error) -> bool:
    """Whether another transaction was in the way: the same again may pass."""
    return sqlstate_of(error) in CONTENTION_STATES


def lasting_refusal(error: Error) -> str | None:
    """One sentence for an outage that needs an operator and that only statements find; None for any other error."""
    sqlstate = sqlstate_of(error)
    if sqlstate is None or not sqlstate.startswith(LASTING):
        return None
    if sqlstate == READ_ONLY:
        return f"PostgreSQL takes no writes (SQLSTATE {sqlstate}): it is a standby, or its sessions are read-only."
    return f"PostgreSQL refused a statement with SQLSTATE {sqlstate}."

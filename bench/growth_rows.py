"""A database that a service has used for long: operations that succeeded, with their proposals, versions and events.

The rows are copied as PostgreSQL's own text, in the shapes that the service writes: every index has an entry of each.
Results and artifacts, which no query of the growth reads, are one document that all share.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Identifier

from domain.operation import Policy

CLIENT: Final = "local"
BEGAN: Final = datetime.now(UTC) - timedelta(days=25)  # the purge takes operations after 30 days
APART: Final = timedelta(seconds=2)
# Of 100. Those in review fill a page of their queue at 1,000, too: a shorter page would look faster.
SHARES: Final = {"EXECUTED": 44, "DRAFT": 30, "REJECTED": 15, "RISK_REVIEW": 7, "AWAITING_CLIENT_CONSENT": 4}
STATES: Final = tuple(state for state, share in SHARES.items() for _ in range(share))
SHARED: Final = {
    kind: "sha256:" + hashlib.sha256(kind.encode()).hexdigest() for kind in ("result", "inputs", "artifact")
}
DIGEST: Final = "sha256:" + "0" * 64
ROWS_A_BATCH: Final = 50_000
COLUMNS: Final = {
    "documents": ("sha256", "kind", "content", "encoding", "size", "created_at", "seal"),
    "proposals": (
        *(
            "proposal_id",
            "client",
            "portfolio_id",
            "mandate_id",
            "jurisdiction",
            "title",
            "advisor_notes",
            "created_by",
        ),
        *("created_at", "current_state", "current_version_no", "last_event_at", "event_count", "last_event_hash"),
    ),
    "proposal_versions": (
        *("proposal_version_id", "proposal_id", "client", "version_no", "operation_id", "portfolio_id", "created_by"),
        *("created_at", "request_hash", "simulation_hash", "artifact_hash", "status_at_creation", "evidence_stored"),
        *("engine_version", "request_document", "result_document", "inputs_document", "artifact_document"),
    ),
    "workflow_events": (
        *("event_id", "proposal_id", "sequence", "event_type", "to_state", "actor_id", "occurred_at", "reason"),
        *("related_version_no", "previous_event_hash", "event_hash"),
    ),
    "operations": (
        *("operation_id", "operation_type", "status", "client", "idempotency_key", "attempt", "correlation_id"),
        *("request_hash", "request_document", "portfolio_id", "created_by", "metadata", "policy", "is_large"),
        *(
            "proposal_id",
            "version_no",
            "proposal_version_id",
            "result_document",
            "simulation_status",
            "simulation_hash",
        ),
        *("inputs_document", "artifact_document", "artifact_hash", "created_at", "updated_at", "started_at"),
        *("finished_at", "progress_at", "started_workflow_at"),
    ),
    "idempotency_keys": ("client", "scope", "key", "request_hash", "operation_id", "attempt", "created_at"),
}


def operation_id(number: int) -> str:
    """Ascending, as UUIDv7s are, and with as random an end."""
    return f"pop_{number:012x}{hashlib.md5(str(number).encode()).hexdigest()[:20]}"  # noqa: S324 -- no secret


def proposal_id(number: int) -> str:
    return operation_id(number).replace("pop_", "pp_")


def correlation_id(number: int) -> str:
    return f"corr_{hashlib.md5(str(number).encode()).hexdigest()[:12]}"  # noqa: S324 -- no secret


def state(number: int) -> str:
    return STATES[number * 37 % len(STATES)]  # 37: no factor of 100, so that neighbours differ


def rows_of(number: int) -> dict[str, tuple[Any, ...]]:
    operation, proposal = operation_id(number), proposal_id(number)
    version, event = proposal.replace("pp_", "ppv_"), proposal.replace("pp_", "pwe_")
    at = BEGAN + number * APART
    document = "sha256:" + hashlib.sha256(operation.encode()).hexdigest()
    portfolio, author = f"pf_{number % 5_000}", f"advisor_{number % 200}"
    documents = (document, *SHARED.values())
    return {
        "documents": (document, "request", b"x" * 64, "zstd", 64, at, ""),
        "proposals": (
            *(proposal, CLIENT, portfolio, "mandate_1", "SG", f"Proposal {number}", "Notes", author),
            *(at, state(number), 1, at, 1, DIGEST),
        ),
        "proposal_versions": (
            *(version, proposal, CLIENT, 1, operation, portfolio, author),
            *(at, DIGEST, DIGEST, DIGEST, "READY", True, "1", *documents),
        ),
        "workflow_events": (event, proposal, 1, "CREATED", "DRAFT", author, at, "{}", 1, DIGEST, DIGEST),
        "operations": (
            *(operation, "CREATE_PROPOSAL", "SUCCEEDED", CLIENT, f"key-{operation}", 1, correlation_id(number)),
            *(DIGEST, document, portfolio, author, "{}", Policy().as_text(), False),
            *(proposal, 1, version, SHARED["result"], "READY", DIGEST, SHARED["inputs"], SHARED["artifact"], DIGEST),
            *(at, at, at, at, at, at),
        ),
        "idempotency_keys": (CLIENT, "proposals", f"key-{operation}", DIGEST, operation, 1, at),
    }


def fill(owner_dsn: str, numbers: range) -> None:
    """Add the operations of these numbers, and bring the planner's statistics up to date."""
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        # The foreign keys hold by construction; checking nine of them a row would take most of the time.
        connection.execute("SET session_replication_role = replica")
        if numbers.start == 0:
            _copy(connection, "documents", ((SHARED[kind], kind, b"x", "zstd", 1, BEGAN, "") for kind in SHARED))
        for first in range(numbers.start, numbers.stop, ROWS_A_BATCH):
            batch = range(first, min(first + ROWS_A_BATCH, numbers.stop))
            rows = [rows_of(number) for number in batch]
            for table in COLUMNS:
                _copy(connection, table, (row[table] for row in rows))
        connection.execute("VACUUM (ANALYZE)")


def _copy(connection: psycopg.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    columns = SQL(", ").join(map(Identifier, COLUMNS[table]))
    statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table), columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)

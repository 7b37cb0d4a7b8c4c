"""Many operations at once, as rows: for lists, plans and the purge, where their contents do not matter."""

import uuid
from datetime import timedelta
from typing import Any

import psycopg

DOCUMENT = f"sha256:{'0' * 64}"
INSERT_DOCUMENT = """
INSERT INTO documents (sha256, kind, content, encoding, size, created_at, seal)
VALUES (%s, 'request', '', 'zstd', 0, now(), '') ON CONFLICT DO NOTHING
"""
# A third is of versions, a fifth PENDING, a fifth RUNNING, the others FAILED; two share a moment, the id decides.
INSERT = """
INSERT INTO operations (operation_id, operation_type, status, client, attempt, correlation_id, request_hash,
    request_document, portfolio_id, created_by, metadata, policy, is_large, proposal_id, error_code, error_message,
    created_at, updated_at, progress_at, started_at, finished_at)
SELECT 'pop_' || md5(%(seed)s || n), CASE WHEN n %% 3 = 0 THEN 'CREATE_PROPOSAL_VERSION' ELSE 'CREATE_PROPOSAL' END,
    CASE WHEN n %% 5 = 0 THEN 'PENDING' WHEN n %% 4 = 0 THEN 'RUNNING' ELSE 'FAILED' END, %(client)s, 1,
    'corr_' || n %% %(correlations)s, %(document)s, %(document)s, 'pf_1', 'advisor_' || n %% %(advisors)s, '{}', '{}',
    false, 'pp_' || n %% %(proposals)s,
    CASE WHEN n %% 5 <> 0 AND n %% 4 <> 0 THEN 'ProposalInternalError' END,
    CASE WHEN n %% 5 <> 0 AND n %% 4 <> 0 THEN 'OPERATION_INTERNAL_ERROR' END,
    moment, moment, moment, moment, CASE WHEN n %% 5 <> 0 AND n %% 4 <> 0 THEN moment END
FROM generate_series(1, %(count)s) n,
    LATERAL (SELECT timestamptz '2026-01-01 00:00:00+00' + n / 2 * interval '1.000001 second' AS moment) m
"""
SELECT = """
SELECT operation_id, status, operation_type, correlation_id, proposal_id, created_by, created_at FROM operations
WHERE client = %s ORDER BY created_at DESC, operation_id DESC
"""


def insert_operations(
    dsn: str,
    count: int,
    *,
    client: str = "local",
    correlations: int = 3,
    advisors: int = 3,
    proposals: int = 4,
) -> list[dict[str, Any]]:
    """The rows as the list shows them, newest first."""
    with psycopg.connect(dsn) as connection:
        connection.execute(INSERT_DOCUMENT, [DOCUMENT])
        connection.execute(
            INSERT,
            {
                "seed": uuid.uuid4().hex,
                "client": client,
                "count": count,
                "correlations": correlations,
                "advisors": advisors,
                "proposals": proposals,
                "document": DOCUMENT,
            },
        )
        rows = connection.execute(SELECT, [client]).fetchall() if count < 1000 else []
    names = ("operation_id", "status", "operation_type", "correlation_id", "proposal_id", "created_by")
    return [
        dict(zip(names, row, strict=False)) | {"created_at": f"{row[6]:%Y-%m-%dT%H:%M:%S.%f}+00:00"} for row in rows
    ]


INSERT_WAITING = """
INSERT INTO operations (operation_id, operation_type, status, client, attempt, correlation_id, request_hash,
    request_document, portfolio_id, created_by, metadata, policy, is_large, created_at, updated_at, progress_at)
SELECT 'pop_' || md5(who), 'CREATE_PROPOSAL', 'PENDING', %(client)s, 1, who,
    %(document)s, %(document)s, 'pf_1', 'advisor_1', '{}', '{}', %(is_large)s, moment, moment, moment
FROM generate_series(1, %(count)s) n,
    LATERAL (SELECT now() - %(age)s + n * interval '1 millisecond' AS moment) m,
    LATERAL (SELECT format('%%s%%s_%%s', %(client)s::text, %(name)s::text, n) AS who) w
"""


def add_waiting(
    connection: psycopg.Connection,
    client: str,
    count: int = 1,
    *,
    age: timedelta = timedelta(minutes=1),
    is_large: bool = False,
    name: str = "",
) -> None:
    """Let so many operations of the client wait; the oldest has the correlation id <client><name>_1."""
    row = {"client": client, "count": count, "age": age, "is_large": is_large, "name": name, "document": DOCUMENT}
    connection.execute(INSERT_DOCUMENT, [DOCUMENT])
    connection.execute(INSERT_WAITING, row)


def insert_waiting(dsn: str, client: str, count: int = 1, **options: Any) -> None:
    with psycopg.connect(dsn) as connection:
        add_waiting(connection, client, count, **options)

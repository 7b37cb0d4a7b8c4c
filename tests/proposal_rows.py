"""Many proposals at once, as rows: for lists and plans, where their contents do not matter."""

import uuid

import psycopg

STATES = "ARRAY['DRAFT', 'RISK_REVIEW', 'EXECUTED']"
# Some share a moment, so that the id has to break the tie.
INSERT = f"""
INSERT INTO proposals (proposal_id, client, portfolio_id, created_by, created_at, current_state, current_version_no,
    last_event_at, event_count, last_event_hash)
SELECT 'pp_' || md5(%(seed)s || n), %(client)s, 'pf_' || n %% %(portfolios)s, 'advisor_' || n %% %(advisors)s,
    timestamptz '2026-01-01 00:00:00+00' + n / 2 * interval '1.000001 second', ({STATES})[n / 3 %% 3 + 1], 1,
    timestamptz '2026-01-01 00:00:00+00' + n / 2 * interval '1.000001 second' + n %% 7 * interval '1 hour', 1,
    'sha256:0'
FROM generate_series(1, %(count)s) n
"""
INSERT_EVENTS = """
INSERT INTO workflow_events (event_id, proposal_id, sequence, event_type, to_state, actor_id, occurred_at, reason,
    previous_event_hash, event_hash)
SELECT 'pwe_' || proposal_id, proposal_id, 1, 'CREATED', current_state, created_by, last_event_at, '{}', '', ''
FROM proposals ON CONFLICT DO NOTHING
"""
SELECT = """
SELECT proposal_id, portfolio_id, created_by, current_state, created_at FROM proposals WHERE client = %s
ORDER BY created_at DESC, proposal_id DESC
"""


def insert_proposals(
    dsn: str, count: int, *, client: str = "local", portfolios: int = 2, advisors: int = 3
) -> list[dict[str, str]]:
    """The rows as the list shows them, newest first."""
    with psycopg.connect(dsn) as connection:
        connection.execute(
            INSERT,
            {
                "seed": uuid.uuid4().hex,
                "client": client,
                "count": count,
                "portfolios": portfolios,
                "advisors": advisors,
            },
        )
        connection.execute(INSERT_EVENTS)
        rows = connection.execute(SELECT, [client]).fetchall() if count < 1000 else []
    names = ("proposal_id", "portfolio_id", "created_by", "current_state")
    return [
        dict(zip(names, row, strict=False)) | {"created_at": f"{row[4]:%Y-%m-%dT%H:%M:%S.%f}+00:00"} for row in rows
    ]

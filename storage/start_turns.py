"""The order in which waiting operations get their workflows: each client has its turn.

Clients take turns, first the one whose last turn is longest ago, and a turn is one operation. Within a client the
oldest goes first, and small ones before large ones: a large one gives way to what its client submits within ten minutes
after it, so that it waits long, but not for ever (docs/adr/0036-each-client-has-its-turn.md).
"""

from typing import Final

from storage.operations import OPERATION_COLUMNS

LARGE_GIVES_WAY: Final = "interval '10 minutes'"
WAITS: Final = "status = 'PENDING' AND started_workflow_at IS NULL"
# The same, but no predicate of the index of waiting operations: with old statistics the planner believes that index
# empty, and would read all of it for each candidate instead of the candidate by its key.
STILL_WAITS: Final = "coalesce(status, '') = 'PENDING' AND started_workflow_at IS NULL"


def take_in_turn(condition: str, *, take: str) -> str:
    """Take %(limit)s of the waiting operations that meet the condition, and return them in the order of their turns.

    `clients` steps through the index from client to client, so that a client's thousands are not read to find the
    next client. Every client in it has one operation at least, so no client can need more than what the others leave.
    Twice as many are looked at as are taken: statements that run at the same time lock different ones. Turns are
    written in the order of clients, so that no two statements wait for each other in a circle.
    """
    may_start = f"{WAITS} AND {condition}"
    return f"""
WITH RECURSIVE clients AS (
    (SELECT client FROM operations WHERE {may_start} ORDER BY client LIMIT 1)
    UNION ALL
    SELECT (SELECT o.client FROM operations o WHERE o.client > c.client AND {may_start} ORDER BY o.client LIMIT 1)
    FROM clients c WHERE c.client IS NOT NULL),
turns AS (
    SELECT client, had_turn_at, 2 * %(limit)s - least(count(*) OVER (), 2 * %(limit)s) + 1 AS most
    FROM clients LEFT JOIN start_turns USING (client) WHERE client IS NOT NULL
    ORDER BY had_turn_at NULLS FIRST, client LIMIT 2 * %(limit)s),
by_turn AS (
    SELECT w.operation_id, t.had_turn_at, w.goes_at,
        row_number() OVER (PARTITION BY t.client ORDER BY w.goes_at, w.operation_id) AS turn
    FROM turns t CROSS JOIN LATERAL (
        (SELECT operation_id, created_at AS goes_at FROM operations
        WHERE client = t.client AND NOT is_large AND {may_start} ORDER BY created_at LIMIT t.most)
        UNION ALL
        (SELECT operation_id, created_at + {LARGE_GIVES_WAY} FROM operations
        WHERE client = t.client AND is_large AND {may_start} ORDER BY created_at LIMIT t.most)) w),
candidates AS (
    SELECT operation_id, row_number() OVER (ORDER BY turn, had_turn_at NULLS FIRST, goes_at, operation_id) AS place
    FROM by_turn ORDER BY place LIMIT 2 * %(limit)s),
picked AS (
    SELECT o.operation_id, o.client, c.place FROM candidates c JOIN operations o USING (operation_id)
    WHERE {STILL_WAITS} AND {condition} ORDER BY c.place LIMIT %(limit)s FOR UPDATE OF o SKIP LOCKED),
taken AS (
    UPDATE operations o SET {take} FROM picked p WHERE o.operation_id = p.operation_id
    RETURNING {OPERATION_COLUMNS}),
had_turns AS (
    INSERT INTO start_turns (client, had_turn_at)
    (SELECT client, now() + max(place) * interval '1 microsecond' FROM picked GROUP BY client ORDER BY client)
    ON CONFLICT (client) DO UPDATE SET had_turn_at = excluded.had_turn_at)
SELECT t.* FROM taken t JOIN picked p USING (operation_id) ORDER BY p.place
"""

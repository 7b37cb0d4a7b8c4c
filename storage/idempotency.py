"""Idempotency keys: which operation a client's key stands for now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import AsyncConnection

from domain.operation import IdempotencyKey
from storage.rows import fetch_one, value_row

CLAIM_KEY: Final = """
INSERT INTO idempotency_keys (client, scope, key, request_hash, operation_id, attempt, created_at)
VALUES (%(client)s, %(scope)s, %(key)s, %(request_hash)s, %(operation_id)s, 1, now())
ON CONFLICT (client, scope, key) DO NOTHING
RETURNING key
"""
LOCK_KEY: Final = """
SELECT request_hash, operation_id, attempt FROM idempotency_keys
WHERE client = %(client)s AND scope = %(scope)s AND key = %(key)s
FOR UPDATE
"""
REASSIGN_KEY: Final = """
UPDATE idempotency_keys
SET request_hash = %(request_hash)s, operation_id = %(operation_id)s, attempt = %(attempt)s, created_at = now()
WHERE client = %(client)s AND scope = %(scope)s AND key = %(key)s
"""
# Also of an operation that was purged: its key outlives it.
SELECT_MADE_PROPOSAL: Final = """
SELECT k.key, k.request_hash, o.proposal_id, o.version_no, o.created_at
FROM idempotency_keys k
CROSS JOIN LATERAL (
    SELECT status, proposal_id, version_no, created_at FROM operations WHERE operation_id = k.operation_id
    UNION ALL
    SELECT status, proposal_id, version_no, created_at FROM expired_operations WHERE operation_id = k.operation_id) o
WHERE k.client = %(client)s AND k.scope = %(scope)s AND k.key = %(key)s AND o.status = 'SUCCEEDED'
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyHolder:
    """The operation that holds a key, the n-th of it."""

    request_hash: str
    operation_id: str
    attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyedProposal:
    """The proposal that a key stands for."""

    key: str
    request_hash: str
    proposal_id: str
    version_no: int
    created_at: datetime


KEY_HOLDER_ROW: Final = value_row(KeyHolder)
KEYED_PROPOSAL_ROW: Final = value_row(KeyedProposal)


class IdempotencyKeyReader:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def made_proposal(self, key: IdempotencyKey) -> KeyedProposal | None:
        """What the key's operation made; None as long as that is nothing."""
        return await fetch_one(self._connection, KEYED_PROPOSAL_ROW, SELECT_MADE_PROPOSAL, key_parameters(key))


class IdempotencyKeys(IdempotencyKeyReader):
    async def claim(self, key: IdempotencyKey, *, request_hash: str, operation_id: str) -> KeyHolder | None:
        """Take the key for the operation, or lock it and return the operation that holds it.

        Waits for a concurrent claim of it to commit or roll back.
        """
        claimed = {**key_parameters(key), "request_hash": request_hash, "operation_id": operation_id}
        while True:
            cursor = await self._connection.execute(CLAIM_KEY, claimed)
            if await cursor.fetchone() is not None:
                return None
            if (holder := await self._lock(key)) is not None:
                return holder
            # The purge came between the two statements: the key is free.

    async def _lock(self, key: IdempotencyKey) -> KeyHolder | None:
        return await fetch_one(self._connection, KEY_HOLDER_ROW, LOCK_KEY, key_parameters(key))

    async def reassign(self, key: IdempotencyKey, *, request_hash: str, operation_id: str, attempt: int) -> None:
        """Give a freed key, locked by `claim`, to the next attempt."""
        await self._connection.execute(
            REASSIGN_KEY,
            {**key_parameters(key), "request_hash": request_hash, "operation_id": operation_id, "attempt": attempt},
        )


def key_parameters(key: IdempotencyKey) -> dict[str, str]:
    return {"client": key.client, "scope": key.scope, "key": key.key}

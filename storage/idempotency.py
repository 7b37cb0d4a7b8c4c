"""Idempotency keys: which operation a client's key stands for now."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import ClassVar, Final

from domain.errors import IdempotencyKeyConflict
from domain.operation import ExpiredOperation, IdempotencyKey, Operation, OperationStatus
from storage.expired_operations import ExpiredOperationReader
from storage.operations import OperationReader
from storage.rows import Repository, value_row

CLAIM_KEY: Final = """
INSERT INTO idempotency_keys (client, scope, key, request_hash, operation_id, attempt, created_at)
VALUES (%(client)s, %(scope)s, %(key)s, %(request_hash)s, %(operation_id)s, 1, now())
ON CONFLICT (client, scope, key) DO NOTHING
RETURNING key
"""
LOCK_KEY: Final = """
SELECT operation_id, request_hash, attempt FROM idempotency_keys
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
class KeyClaim:
    """The state of a key when it was claimed. `attempts` is the number of operations that have had it; 0: it was free.

    `held_by` is the last of them, None once its tombstone has been purged as well; `request_hash` is that of its
    request. `stored` is what a key of a simulation stands for, whether an operation made it or not.
    """

    attempts: int = 0
    request_hash: str | None = None
    held_by: Operation | ExpiredOperation | None = None
    stored: tuple[str, str, str] | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the key has a row that is not this claim's."""
        return self.request_hash is not None

    def replay_of(self, request_hash: str) -> Operation | ExpiredOperation | None:
        """The operation that this request stands for; None when the key is free, or has a result alone.

        Raises IdempotencyKeyConflict.
        """
        is_held = self.held_by is not None and self.held_by.status is not OperationStatus.FAILED
        if (is_held or self.stored is not None) and self.request_hash != request_hash:
            raise IdempotencyKeyConflict
        return self.held_by if is_held else None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyedProposal:
    """The proposal that a key stands for."""

    key: str
    request_hash: str
    proposal_id: str
    version_no: int
    created_at: datetime


KEYED_PROPOSAL_ROW: Final = value_row(KeyedProposal)


class IdempotencyKeyReader(Repository):
    async def made_proposal(self, key: IdempotencyKey) -> KeyedProposal | None:
        """The proposal that the key's operation made; None before it has SUCCEEDED."""
        return await self._one(KEYED_PROPOSAL_ROW, SELECT_MADE_PROPOSAL, **asdict(key))


class Arbiter(Repository, ABC):
    """The table whose rows say what the keys of some scopes stand for, in a transaction."""

    CLAIM: ClassVar[str]
    REASSIGN: ClassVar[str]

    async def claim(self, key: IdempotencyKey, *, request_hash: str, operation_id: str) -> KeyClaim:
        """Take the key for the operation if it is free; otherwise lock it for the caller to judge and to `reassign`.

        Waits for a concurrent claim of it to commit or roll back.
        """
        claimed = {**asdict(key), "request_hash": request_hash, "operation_id": operation_id}
        while True:
            if await self._value(self.CLAIM, **claimed) is not None:
                return KeyClaim()
            if (held := await self._held(key)) is not None:
                return held
            # The purge came between the two statements: the key is free.

    async def reassign(self, key: IdempotencyKey, *, request_hash: str, operation_id: str, attempt: int) -> None:
        """Give a freed key, locked by `claim`, to the next attempt. A result that it has stays."""
        await self._connection.execute(
            self.REASSIGN,
            {**asdict(key), "request_hash": request_hash, "operation_id": operation_id, "attempt": attempt},
        )

    @abstractmethod
    async def _held(self, key: IdempotencyKey) -> KeyClaim | None:
        """The key as it is, locked; None without a row."""


class IdempotencyKeys(IdempotencyKeyReader, Arbiter):
    CLAIM = CLAIM_KEY
    REASSIGN = REASSIGN_KEY

    async def _held(self, key: IdempotencyKey) -> KeyClaim | None:
        cursor = await self._connection.execute(LOCK_KEY, asdict(key))
        row = await cursor.fetchone()
        if row is None:
            return None
        operation_id, request_hash, attempt = row
        # In this order: a purge that comes between the two reads leaves a tombstone.
        operation = await OperationReader(self._connection).get(operation_id)
        held_by = operation or await ExpiredOperationReader(self._connection).get(operation_id)
        return KeyClaim(attempts=attempt, request_hash=request_hash, held_by=held_by)

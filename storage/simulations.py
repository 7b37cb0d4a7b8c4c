"""Keys of simulations, synchronous or not: which request, result and operation each stands for.

One row decides (docs/adr/0040-key-space-b-has-one-arbiter.md). The first stored result is every later answer's.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from domain.errors import IdempotencyKeyConflict, StorageUnavailable
from domain.operation import IdempotencyKey, Operation, OperationStatus
from storage.idempotency import Arbiter, KeyClaim
from storage.operations import OperationReader
from storage.rows import Repository, columns_of, insert_statement, parameters_of, value_row


class StoredSimulation(NamedTuple):
    """The addresses of a simulation's documents."""

    result_document: str
    inputs_document: str
    artifact_document: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulationKey:
    """A key's row. There is a result, or an operation that is to make one; or that has FAILED, and the key is free.

    `attempt` counts the operations that have had the key, `operation_id` is the last of them. `operation_status` is
    None without one, and for one that was purged.
    """

    client: str
    key: str
    request_hash: str
    operation_id: str | None = None
    attempt: int = 1
    correlation_id: str | None = None
    result_document: str | None = None
    inputs_document: str | None = None
    artifact_document: str | None = None
    created_at: datetime
    operation_status: OperationStatus | None = None

    @property
    def stored(self) -> StoredSimulation | None:
        if self.result_document is None or self.inputs_document is None or self.artifact_document is None:
            return None
        return StoredSimulation(self.result_document, self.inputs_document, self.artifact_document)

    def stored_for(self, request_hash: str) -> StoredSimulation | None:
        """The result that this request has under the key already. Raises IdempotencyKeyConflict."""
        stored = self.stored
        is_free = stored is None and self.operation_status in (None, OperationStatus.FAILED)
        if not is_free and self.request_hash != request_hash:
            raise IdempotencyKeyConflict
        return stored


_COLUMNS: Final = columns_of(SimulationKey, computed={"operation_status"})
_OF_A_RESULT: Final = ("request_hash", "correlation_id", *StoredSimulation._fields, "created_at")
_OF_THE_KEY: Final = "client = %(client)s AND key = %(key)s"

INSERT_SIMULATION: Final = (
    f"{insert_statement('simulations', _COLUMNS)} ON CONFLICT (client, key) DO NOTHING RETURNING key"
)
STORE_RESULT: Final = f"""
UPDATE simulations SET {", ".join(f"{column} = %({column})s" for column in _OF_A_RESULT)} WHERE {_OF_THE_KEY}
"""
# Not with the operation's status: what was committed while this waited, a joined table does not show.
LOCK_SIMULATION: Final = f"""
SELECT {", ".join(_COLUMNS)}, NULL AS operation_status FROM simulations WHERE {_OF_THE_KEY} FOR UPDATE
"""
# One row always: without a simulation it has the time alone.
SELECT_SIMULATION_AND_TIME: Final = f"""
SELECT asked.at, {", ".join(f"s.{column}" for column in _COLUMNS)}, o.status
FROM (SELECT now() AS at) asked LEFT JOIN simulations s ON s.client = %(client)s AND s.key = %(key)s
    LEFT JOIN operations o ON o.operation_id = s.operation_id
"""
CLAIM_SIMULATION: Final = """
INSERT INTO simulations (client, key, request_hash, operation_id, attempt, created_at)
VALUES (%(client)s, %(key)s, %(request_hash)s, %(operation_id)s, 1, now())
ON CONFLICT (client, key) DO NOTHING
RETURNING key
"""
REASSIGN_SIMULATION: Final = f"""
UPDATE simulations
SET request_hash = %(request_hash)s, operation_id = %(operation_id)s, attempt = %(attempt)s, created_at = now()
WHERE {_OF_THE_KEY}
"""
SIMULATION_ROW: Final = value_row(SimulationKey)


class SimulationReader(Repository):
    async def get_and_now(self, key: str, *, client: str) -> tuple[SimulationKey | None, datetime]:
        """The key's row, if there is one, and PostgreSQL's time, which becomes that of a new simulation."""
        cursor = await self._connection.execute(SELECT_SIMULATION_AND_TIME, {"client": client, "key": key})
        ((now, *values, status),) = await cursor.fetchall()
        if values[0] is None:
            return None, now
        row = dict(zip(_COLUMNS, values, strict=True))
        return SimulationKey(**row, operation_status=None if status is None else OperationStatus(status)), now


class Simulations(SimulationReader, Arbiter):
    """Keys as a transaction holds them; each waits for a concurrent one of the same key to commit or roll back."""

    CLAIM = CLAIM_SIMULATION
    REASSIGN = REASSIGN_SIMULATION

    async def add_or_get(self, mine: SimulationKey) -> SimulationKey:
        """The row with the result of this request: this one, or the one that came first.

        An operation that has the key and no result yet will find this one. Raises IdempotencyKeyConflict.
        """
        if await self._value(INSERT_SIMULATION, **parameters_of(mine, _COLUMNS)) is not None:
            return mine
        held = await self._locked(mine.key, client=mine.client)
        if held is None:
            raise StorageUnavailable  # purged in between: the same request again finds its key free
        row, _ = held
        if row.stored_for(mine.request_hash) is not None:
            return row
        await self._connection.execute(STORE_RESULT, _parameters(mine))
        return mine

    async def lock(self, key: IdempotencyKey) -> SimulationKey | None:
        """The key's row, locked until the transaction ends; without the status of its operation."""
        return await self._one(SIMULATION_ROW, LOCK_SIMULATION, client=key.client, key=key.key)

    async def store(self, row: SimulationKey, stored: StoredSimulation, *, correlation_id: str) -> None:
        """Give a locked row its result."""
        filled = replace(row, **stored._asdict(), correlation_id=correlation_id)
        await self._connection.execute(STORE_RESULT, _parameters(filled))

    async def _held(self, key: IdempotencyKey) -> KeyClaim | None:
        """An operation that was purged holds nothing: its result does."""
        if (held := await self._locked(key.key, client=key.client)) is None:
            return None
        row, operation = held
        attempts = 0 if row.operation_id is None else row.attempt
        return KeyClaim(attempts=attempts, request_hash=row.request_hash, held_by=operation, stored=row.stored)

    async def _locked(self, key: str, *, client: str) -> tuple[SimulationKey, Operation | None] | None:
        """The locked row with its operation, which only the holder of the row can make SUCCEED."""
        row = await self._one(SIMULATION_ROW, LOCK_SIMULATION, client=client, key=key)
        if row is None:
            return None
        if row.operation_id is None:
            return row, None
        operation = await OperationReader(self._connection).get(row.operation_id)
        return replace(row, operation_status=None if operation is None else operation.status), operation


def _parameters(row: SimulationKey) -> dict[str, Any]:
    return {"client": row.client, "key": row.key, **parameters_of(row, _OF_A_RESULT)}

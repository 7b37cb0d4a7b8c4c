"""The rows of operations: written once, moved forward by the steps, ended exactly once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection

from domain.canonical import sha256_of
from domain.operation import EndedOperation, Operation, OperationFailure, OperationStatus, OperationType
from storage.rows import value_row

TERMINAL_CHANNEL: Final = "operation_terminal"

OPERATION_COLUMNS: Final = """
    o.operation_id, o.operation_type, o.status, o.client, o.idempotency_key, o.attempt, o.correlation_id,
    o.request_hash, o.portfolio_id, o.created_by, o.is_large, o.proposal_id, o.version_no, o.error_code,
    o.error_message, o.created_at, o.updated_at, o.started_at, o.finished_at,
    o.callback_url IS NOT NULL AS has_callback"""

SELECT_OPERATION: Final = f"SELECT {OPERATION_COLUMNS} FROM operations o WHERE o.operation_id = %(operation_id)s"
LOCK_OPERATION: Final = f"{SELECT_OPERATION} FOR UPDATE"
# Each attempt without a key knows its successor, also one that was purged before it: its callback may keep the older.
SELECT_NEWEST_ATTEMPT: Final = """
WITH RECURSIVE attempts AS (
    SELECT operation_id, successor_id, attempt FROM operations WHERE operation_id = %(operation_id)s
    UNION ALL
    SELECT o.operation_id, o.successor_id, o.attempt
    FROM attempts a JOIN operations o ON o.operation_id = a.successor_id)
SELECT coalesce(successor_id, operation_id) FROM attempts ORDER BY attempt DESC LIMIT 1
"""
SELECT_NEWEST_BY_CORRELATION: Final = f"""
SELECT {OPERATION_COLUMNS} FROM operations o
WHERE o.correlation_id = %(correlation_id)s AND o.client = %(client)s
ORDER BY o.created_at DESC, o.operation_id DESC LIMIT 1
"""
WORK_COLUMNS: Final = """
    operation_id, operation_type, status, client, idempotency_key, correlation_id, request_hash, request_document,
    portfolio_id, created_by, metadata, policy, is_large, proposal_id, version_no, expected_version_no,
    error_code, error_message, result_document,
    simulation_status, simulation_hash, gate_decision, inputs_document, artifact_document, artifact_hash, evidence_seal,
    callback_url IS NOT NULL AS has_callback, created_at, now() AS read_at"""
SELECT_WORK: Final = f"SELECT {WORK_COLUMNS} FROM operations WHERE operation_id = %(operation_id)s"
LOCK_WORK: Final = f"{SELECT_WORK} FOR UPDATE"

INSERT_OPERATION: Final = """
INSERT INTO operations (operation_id, operation_type, status, client, idempotency_key, attempt, correlation_id,
    request_hash, request_document, portfolio_id, created_by, metadata, policy, is_large, callback_url,
    callback_headers, proposal_id, expected_version_no, created_at, updated_at, progress_at)
VALUES (%(operation_id)s, %(operation_type)s, 'PENDING', %(client)s, %(idempotency_key)s, %(attempt)s,
    %(correlation_id)s, %(request_hash)s, %(request_document)s, %(portfolio_id)s, %(created_by)s, %(metadata)s,
    %(policy)s, %(is_large)s, %(callback_url)s, %(callback_headers)s, %(proposal_id)s, %(expected_version_no)s,
    %(created_at)s, %(created_at)s, %(created_at)s)
"""
# Both return the documents that were referred to before.
BEFORE: Final = """
WITH before AS (
    SELECT operation_id, result_document, inputs_document, artifact_document FROM operations
    WHERE operation_id = %(operation_id)s FOR UPDATE)
"""
RECORD_SIMULATION: Final = f"""{BEFORE}
UPDATE operations o
SET status = 'RUNNING', started_at = coalesce(o.started_at, now()), updated_at = now(), progress_at = now(),
    result_document = %(result_document)s, simulation_status = %(simulation_status)s,
    simulation_hash = %(simulation_hash)s, gate_decision = %(gate_decision)s
FROM before b WHERE o.operation_id = b.operation_id AND o.status IN ('PENDING', 'RUNNING')
RETURNING b.result_document
"""
RECORD_EVIDENCE: Final = f"""{BEFORE}
UPDATE operations o
SET status = 'RUNNING', started_at = coalesce(o.started_at, now()), updated_at = now(), progress_at = now(),
    result_document = %(result_document)s, simulation_status = %(simulation_status)s,
    simulation_hash = %(simulation_hash)s, gate_decision = %(gate_decision)s, inputs_document = %(inputs_document)s,
    artifact_document = %(artifact_document)s, artifact_hash = %(artifact_hash)s, evidence_seal = %(evidence_seal)s
FROM before b WHERE o.operation_id = b.operation_id AND o.status IN ('PENDING', 'RUNNING')
RETURNING b.result_document, b.inputs_document, b.artifact_document
"""
SUCCEED: Final = """
UPDATE operations
SET status = 'SUCCEEDED', proposal_id = %(proposal_id)s, version_no = %(version_no)s,
    proposal_version_id = %(proposal_version_id)s, updated_at = now(), progress_at = now(), finished_at = now()
WHERE operation_id = %(operation_id)s
"""
FAIL: Final = """
UPDATE operations
SET status = 'FAILED', error_code = %(error_code)s, error_message = %(error_message)s, updated_at = now(),
    progress_at = now(), finished_at = now()
WHERE operation_id = %(operation_id)s
"""
# The stored request again, under the rules of today; a version's target stays.
INSERT_ATTEMPT: Final = """
INSERT INTO operations (operation_id, operation_type, status, client, idempotency_key, attempt, correlation_id,
    request_hash, request_document, portfolio_id, created_by, metadata, policy, is_large, callback_url,
    callback_headers, proposal_id, expected_version_no, created_at, updated_at, progress_at)
SELECT %(operation_id)s, operation_type, 'PENDING', client, idempotency_key, %(attempt)s, correlation_id, request_hash,
    request_document, portfolio_id, created_by, metadata, %(policy)s, is_large, callback_url, callback_headers,
    proposal_id, expected_version_no, now(), now(), now()
FROM operations WHERE operation_id = %(failed_id)s
"""
SET_SUCCESSOR: Final = "UPDATE operations SET successor_id = %(successor_id)s WHERE operation_id = %(operation_id)s"
NOTE_CANCELLED: Final = "UPDATE operations SET workflow_to_cancel = false WHERE operation_id = ANY(%(operation_ids)s)"
OWE_CANCEL: Final = "UPDATE operations SET workflow_to_cancel = true WHERE operation_id = %(operation_id)s"
# The order makes the planner take the small index of open operations, however old its statistics are.
COUNT_OPEN: Final = """
SELECT count(*) FROM (
    SELECT FROM operations WHERE status IN ('PENDING', 'RUNNING') ORDER BY progress_at LIMIT %(at_most)s) counted
"""
# NOTIFY is delivered at commit: a waiter that is woken finds the row as it woke it.
NOTIFY: Final = "SELECT pg_notify(%(channel)s, %(operation_id)s)"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewOperation:
    """An accepted request before its row exists; `metadata` and `policy` are canonical JSON.

    `proposal_id` and `expected_version_no` are those of a version: its target, which may not exist, and what its author
    expected to follow. `created_at` is PostgreSQL's time of the transaction that adds it.
    """

    operation_id: str
    operation_type: OperationType
    client: str
    idempotency_key: str | None
    attempt: int
    correlation_id: str
    request_hash: str
    request_document: str
    portfolio_id: str
    created_by: str
    metadata: str
    policy: str
    is_large: bool
    callback_url: str | None
    callback_headers: str | None
    proposal_id: str | None
    expected_version_no: int | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationWork:
    """What a step needs of its operation, and what the steps before it left there; documents by address.

    `read_at` is PostgreSQL's time; that of the whole transaction, if the work was read in one.
    """

    operation_id: str
    operation_type: OperationType
    status: OperationStatus
    client: str
    idempotency_key: str | None
    correlation_id: str
    request_hash: str
    request_document: str
    portfolio_id: str
    created_by: str
    metadata: str
    policy: str
    is_large: bool
    proposal_id: str | None
    version_no: int | None
    expected_version_no: int | None
    error_code: str | None
    error_message: str | None
    result_document: str | None
    simulation_status: str | None
    simulation_hash: str | None
    gate_decision: str | None
    inputs_document: str | None
    artifact_document: str | None
    artifact_hash: str | None
    evidence_seal: str | None
    has_callback: bool
    created_at: datetime
    read_at: datetime

    @property
    def is_terminal(self) -> bool:
        return self.status.is_terminal


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedEvidence:
    """The evidence of an operation, all made by one engine version; documents by address."""

    result_document: str
    simulation_status: str
    simulation_hash: str
    gate_decision: str | None
    inputs_document: str
    artifact_document: str
    artifact_hash: str
    engine_version: str

    @property
    def documents(self) -> tuple[str, str, str]:
        return self.result_document, self.inputs_document, self.artifact_document

    @property
    def seal(self) -> str:
        """What tells whether these documents are still the ones that this engine version made together."""
        return sha256_of("\n".join((self.engine_version, *self.documents)))


OPERATION_ROW: Final = value_row(Operation)
WORK_ROW: Final = value_row(OperationWork)


class OperationReader:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, operation_id: str) -> Operation | None:
        return await self._one(SELECT_OPERATION, {"operation_id": operation_id})

    async def newest_by_correlation(self, correlation_id: str, *, client: str) -> Operation | None:
        return await self._one(SELECT_NEWEST_BY_CORRELATION, {"correlation_id": correlation_id, "client": client})

    async def newest_attempt(self, operation_id: str) -> str | None:
        """The last of the attempts that began with this operation, without a key to name them; it may be purged."""
        cursor = await self._connection.execute(SELECT_NEWEST_ATTEMPT, {"operation_id": operation_id})
        row = await cursor.fetchone()
        return None if row is None else str(row[0])

    async def work(self, operation_id: str) -> OperationWork | None:
        return await self._work(SELECT_WORK, operation_id)

    async def _one(self, statement: str, parameters: dict[str, Any]) -> Operation | None:
        async with self._connection.cursor(row_factory=OPERATION_ROW) as cursor:
            await cursor.execute(statement, parameters)
            return await cursor.fetchone()

    async def _work(self, statement: str, operation_id: str) -> OperationWork | None:
        async with self._connection.cursor(row_factory=WORK_ROW) as cursor:
            await cursor.execute(statement, {"operation_id": operation_id})
            return await cursor.fetchone()


class Operations(OperationReader):
    """`ended` is what this transaction has ended, for whoever counts it after the commit."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.ended: list[EndedOperation] = []

    async def add(self, operation: NewOperation) -> None:
        await self._connection.execute(
            INSERT_OPERATION, {name: getattr(operation, name) for name in NewOperation.__slots__}
        )

    async def add_attempt(self, failed_id: str, *, operation_id: str, attempt: int, policy: str) -> None:
        """Accept the request of a locked, failed operation once more."""
        await self._connection.execute(
            INSERT_ATTEMPT,
            {"failed_id": failed_id, "operation_id": operation_id, "attempt": attempt, "policy": policy},
        )

    async def count_open(self, *, at_most: int) -> int:
        """Operations of all clients that have not ended; counting stops at the limit."""
        cursor = await self._connection.execute(COUNT_OPEN, {"at_most": at_most})
        row = await cursor.fetchone()
        return 0 if row is None else int(row[0])

    async def set_successor(self, operation_id: str, successor_id: str) -> None:
        await self._connection.execute(SET_SUCCESSOR, {"operation_id": operation_id, "successor_id": successor_id})

    async def owe_workflow_cancel(self, operation_id: str) -> None:
        """Somebody has to cancel the workflow of this operation, which the same transaction ends."""
        await self._connection.execute(OWE_CANCEL, {"operation_id": operation_id})

    async def note_workflows_cancelled(self, operation_ids: Sequence[str]) -> None:
        await self._connection.execute(NOTE_CANCELLED, {"operation_ids": list(operation_ids)})

    async def lock_operation(self, operation_id: str) -> OperationWork | None:
        """The operation, locked until the transaction ends: whoever ends it holds this lock."""
        return await self._work(LOCK_WORK, operation_id)

    async def lock(self, operation_id: str) -> Operation | None:
        """The operation as readers see it, locked until the transaction ends."""
        return await self._one(LOCK_OPERATION, {"operation_id": operation_id})

    async def record_simulation(
        self, operation_id: str, *, result_document: str, status: str, simulation_hash: str, gate_decision: str | None
    ) -> list[str] | None:
        """Mark RUNNING with the result; None, and nothing written, when the operation has ended.

        What comes back is the document that this one takes the place of, if there is one: nothing may refer to it now.
        """
        cursor = await self._connection.execute(
            RECORD_SIMULATION,
            {
                "operation_id": operation_id,
                "result_document": result_document,
                "simulation_status": status,
                "simulation_hash": simulation_hash,
                "gate_decision": gate_decision,
            },
        )
        return _superseded(await cursor.fetchone(), (result_document,))

    async def record_evidence(self, operation_id: str, evidence: RecordedEvidence) -> list[str] | None:
        """Refer to the stored evidence; None, and nothing written, when the operation has ended.

        What comes back are the documents that these take the place of.
        """
        cursor = await self._connection.execute(
            RECORD_EVIDENCE,
            {
                **{name: getattr(evidence, name) for name in RecordedEvidence.__slots__},
                "operation_id": operation_id,
                "evidence_seal": evidence.seal,
            },
        )
        return _superseded(await cursor.fetchone(), evidence.documents)

    async def succeed(
        self, work: OperationWork, *, proposal_id: str, version_no: int, proposal_version_id: str
    ) -> None:
        """End a locked, open operation and wake its waiters at commit."""
        await self._connection.execute(
            SUCCEED,
            {
                "operation_id": work.operation_id,
                "proposal_id": proposal_id,
                "version_no": version_no,
                "proposal_version_id": proposal_version_id,
            },
        )
        await self._notify(work, None)

    async def fail(self, work: OperationWork, failure: OperationFailure) -> None:
        """End a locked, open operation and wake its waiters at commit."""
        await self._connection.execute(
            FAIL, {"operation_id": work.operation_id, "error_code": failure.code, "error_message": failure.message}
        )
        await self._notify(work, failure)

    async def _notify(self, work: OperationWork, failure: OperationFailure | None) -> None:
        await self._connection.execute(NOTIFY, {"channel": TERMINAL_CHANNEL, "operation_id": work.operation_id})
        self.ended.append(
            EndedOperation(
                operation_type=work.operation_type,
                created_at=work.created_at,
                finished_at=work.read_at,  # the row says the same: it is the time of the transaction
                failure=failure,
            )
        )


def _superseded(before: Sequence[str | None] | None, now: Sequence[str]) -> list[str] | None:
    return None if before is None else [address for address in before if address is not None and address not in now]

"""The rows of operations: written once, moved forward by the steps, ended exactly once."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from psycopg import AsyncConnection

from domain.errors import OperationNotFound
from domain.operation import (
    LockedOperation,
    Operation,
    OperationFailure,
    OperationStatus,
    OperationType,
    RecordedEvidence,
)
from storage.correlation_ids import newest_by_correlation
from storage.rows import Repository, columns_of, parameters_of, value_row

TERMINAL_CHANNEL: Final = "operation_terminal"

_COLUMNS: Final = columns_of(Operation, computed={"has_callback"})
_EVIDENCE_COLUMNS: Final = columns_of(RecordedEvidence, computed={"engine_version"})
UNREAD_COLUMNS: Final = ("metadata", "callback_url", "callback_headers")  # long or secret: written with the others
OPERATION_COLUMNS: Final = ", ".join(
    (*(f"o.{column}" for column in _COLUMNS), "o.callback_url IS NOT NULL AS has_callback")
)

SELECT_OPERATION: Final = f"SELECT {OPERATION_COLUMNS} FROM operations o WHERE o.operation_id = %(operation_id)s"
SELECT_GATE_DECISION: Final = "SELECT gate_decision FROM operations WHERE operation_id = %(operation_id)s"
LOCK_OPERATION: Final = f"""
SELECT {OPERATION_COLUMNS}, o.metadata, o.gate_decision, now() AS locked_at
FROM operations o WHERE o.operation_id = %(operation_id)s FOR UPDATE
"""
# Each attempt without a key knows its successor, also one that was purged before it: its callback may keep the older.
SELECT_NEWEST_ATTEMPT: Final = """
WITH RECURSIVE attempts AS (
    SELECT operation_id, successor_id, attempt FROM operations WHERE operation_id = %(operation_id)s
    UNION ALL
    SELECT o.operation_id, o.successor_id, o.attempt
    FROM attempts a JOIN operations o ON o.operation_id = a.successor_id)
SELECT coalesce(successor_id, operation_id) FROM attempts ORDER BY attempt DESC LIMIT 1
"""
SELECT_NEWEST_BY_CORRELATION: Final = newest_by_correlation("operations", OPERATION_COLUMNS)


def _record_statement(columns: Iterable[str], *, documents: Iterable[str]) -> str:
    """Refer to what a step has made, and return the documents that were referred to before."""
    return f"""
WITH before AS (
    SELECT operation_id, {", ".join(documents)} FROM operations WHERE operation_id = %(operation_id)s FOR UPDATE)
UPDATE operations o
SET status = 'RUNNING', started_at = coalesce(o.started_at, now()), updated_at = now(), progress_at = now(),
    {", ".join(f"{column} = %({column})s" for column in columns)}
FROM before b WHERE o.operation_id = b.operation_id AND o.status IN ('PENDING', 'RUNNING')
RETURNING {", ".join(f"b.{column}" for column in documents)}
"""


RECORD_SIMULATION: Final = _record_statement(
    ("result_document", "simulation_status", "simulation_hash", "gate_decision"), documents=("result_document",)
)
RECORD_EVIDENCE: Final = _record_statement(
    (*_EVIDENCE_COLUMNS, "evidence_seal"), documents=("result_document", "inputs_document", "artifact_document")
)
_END_COLUMNS: Final = (
    "status",
    *_EVIDENCE_COLUMNS,
    "evidence_seal",
    "error_code",
    "error_message",
    "workflow_to_cancel",
    "cancelled_by",
    "started_at",
    "updated_at",
    "progress_at",
    "finished_at",
)
END: Final = f"""
UPDATE operations SET {", ".join(f"{column} = %({column})s" for column in _END_COLUMNS)}
WHERE operation_id = %(operation_id)s
"""
TIME_COLUMNS: Final = ("created_at", "updated_at", "progress_at")  # of a new row, all the same moment
_WRITTEN_ANEW: Final = ("operation_id", "status", "attempt", "policy", "runs_succeeded", "runs_failed")
# What an attempt has of its own. All else is what the client asked for and is copied: a new column is not lost.
_OF_AN_ATTEMPT: Final = frozenset(
    {
        *_WRITTEN_ANEW,
        *TIME_COLUMNS,
        *("started_at", "finished_at", "version_no", "proposal_version_id", "error_code", "error_message"),
        *("start_claimed_at", "started_workflow_at", "workflow_restarts", "workflow_to_cancel", "successor_id"),
        *("cancelled_by", "retried_by"),
        *(*_EVIDENCE_COLUMNS, "evidence_seal"),
    }
)
_ASKED_FOR: Final = tuple(column for column in (*_COLUMNS, *UNREAD_COLUMNS) if column not in _OF_AN_ATTEMPT)
NEW_COLUMNS: Final = (*_WRITTEN_ANEW, *_ASKED_FOR)  # beside the times
_REQUEST_COLUMNS: Final = ", ".join(_ASKED_FOR)
# The stored request again, under the rules of today; a version's target stays.
INSERT_ATTEMPT: Final = f"""
INSERT INTO operations AS o (
    {", ".join((*_WRITTEN_ANEW, *TIME_COLUMNS))}, retried_by, {_REQUEST_COLUMNS})
SELECT %(operation_id)s, 'PENDING', %(attempt)s, %(policy)s, runs_total * 0, runs_total * 0, now(), now(), now(),
    %(by)s, {_REQUEST_COLUMNS}
FROM operations WHERE operation_id = %(failed_id)s
RETURNING {OPERATION_COLUMNS}
"""
SET_SUCCESSOR: Final = "UPDATE operations SET successor_id = %(successor_id)s WHERE operation_id = %(operation_id)s"
NOTE_CANCELLED: Final = "UPDATE operations SET workflow_to_cancel = false WHERE operation_id = ANY(%(operation_ids)s)"
# The order makes the planner take the small index of open operations, however old its statistics are.
COUNT_OPEN: Final = """
SELECT count(*) FROM (
    SELECT FROM operations WHERE status IN ('PENDING', 'RUNNING') ORDER BY progress_at LIMIT %(at_most)s) counted
"""
# The lock is held until the transaction ends, and the count is a statement after it: it sees what the holders before
# have committed. Types, statuses and the order are those of the index of the list, which the planner then takes however
# many operations are open.
LOCK_SLOTS: Final = "SELECT pg_advisory_xact_lock(hashtext('open operations'), hashtext(%(client)s))"
COUNT_OPEN_OF_CLIENT: Final = """
SELECT count(*) FROM (
    SELECT FROM operations WHERE client = %(client)s AND operation_type = ANY(%(types)s)
        AND status IN ('PENDING', 'RUNNING')
    ORDER BY operation_type, status, created_at DESC, operation_id DESC LIMIT %(at_most)s) counted
"""
COUNT_OPEN_BATCHES: Final = """
SELECT count(*) FROM (
    SELECT FROM operations WHERE status IN ('PENDING', 'RUNNING') AND operation_type = 'ANALYZE_SCENARIOS'
    ORDER BY progress_at LIMIT %(at_most)s) counted
"""
# NOTIFY is delivered at commit: a waiter that is woken finds the row as it woke it.
NOTIFY: Final = "SELECT pg_notify(%(channel)s, %(operation_id)s)"


OPERATION_ROW: Final = value_row(Operation)
LOCKED_ROW: Final = value_row(LockedOperation)


class OperationReader(Repository):
    async def get(self, operation_id: str) -> Operation | None:
        return await self._one(OPERATION_ROW, SELECT_OPERATION, operation_id=operation_id)

    async def gate_decision(self, operation_id: str) -> str | None:
        """Of its result, as JSON text; None also without one."""
        decision: str | None = await self._value(SELECT_GATE_DECISION, operation_id=operation_id)
        return decision

    async def newest_by_correlation(self, correlation_id: str, *, client: str) -> Operation | None:
        return await self._one(
            OPERATION_ROW, SELECT_NEWEST_BY_CORRELATION, correlation_id=correlation_id, client=client
        )

    async def newest_attempt(self, operation_id: str) -> str | None:
        """The last of the attempts that began with this operation, without a key to name them; it may be purged."""
        newest: str | None = await self._value(SELECT_NEWEST_ATTEMPT, operation_id=operation_id)
        return newest

    async def count_open(self, *, at_most: int, only_batches: bool = False) -> int:
        """Operations of all clients that have not ended; counting stops at the limit."""
        return int(await self._value(COUNT_OPEN_BATCHES if only_batches else COUNT_OPEN, at_most=at_most))


class Operations(OperationReader):
    """`ended` is what this transaction has ended, for the storage to report after the commit."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.ended: list[Operation] = []

    async def add_attempt(
        self, failed_id: str, *, operation_id: str, attempt: int, policy: str, by: str
    ) -> Operation | None:
        """Accept the request of a failed operation once more; None when the purge has taken it."""
        new = {"operation_id": operation_id, "attempt": attempt, "policy": policy, "by": by}
        return await self._one(OPERATION_ROW, INSERT_ATTEMPT, failed_id=failed_id, **new)

    async def set_successor(self, operation_id: str, successor_id: str) -> None:
        await self._connection.execute(SET_SUCCESSOR, {"operation_id": operation_id, "successor_id": successor_id})

    async def count_open_of(self, client: str, *, at_most: int) -> int:
        """Open operations of one client, no further than the limit; until this transaction ends no other one counts."""
        await self._connection.execute(LOCK_SLOTS, {"client": client})
        types = list(OperationType)
        return int(await self._value(COUNT_OPEN_OF_CLIENT, client=client, types=types, at_most=at_most))

    async def note_workflows_cancelled(self, operation_ids: Sequence[str]) -> None:
        await self._connection.execute(NOTE_CANCELLED, {"operation_ids": list(operation_ids)})

    async def lock(self, operation_id: str) -> LockedOperation:
        """The operation, locked until the transaction ends. Raises OperationNotFound."""
        operation = await self._one(LOCKED_ROW, LOCK_OPERATION, operation_id=operation_id)
        if operation is None:
            raise OperationNotFound
        return operation

    async def record_simulation(
        self, operation_id: str, *, result_document: str, status: str, simulation_hash: str, gate_decision: str | None
    ) -> list[str] | None:
        """Mark RUNNING with the result; None, and nothing written, when the operation has ended.

        Returns the document that this one replaces, if there is one: it may have no other reference now.
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

        Returns the documents that these replace.
        """
        cursor = await self._connection.execute(
            RECORD_EVIDENCE,
            {
                **parameters_of(evidence, _EVIDENCE_COLUMNS),
                "operation_id": operation_id,
                "evidence_seal": evidence.seal,
            },
        )
        return _superseded(await cursor.fetchone(), evidence.documents)

    async def fail(
        self,
        operation: LockedOperation,
        failure: OperationFailure,
        *,
        cancelled_by: str | None = None,
        cancels_workflow: bool = False,
    ) -> Operation:
        """End an open operation and return it. `cancels_workflow`: its workflow is to be cancelled."""
        return await self._end(
            operation,
            status=OperationStatus.FAILED,
            error_code=failure.code,
            error_message=failure.message,
            workflow_to_cancel=cancels_workflow,
            cancelled_by=cancelled_by,
        )

    async def succeed(self, operation: LockedOperation, *, result_document: str) -> Operation:
        """End an open operation that makes a result and no version, and return it."""
        return await self._end(operation, status=OperationStatus.SUCCEEDED, result_document=result_document)

    async def succeed_simulated(self, operation: LockedOperation, evidence: RecordedEvidence) -> Operation:
        """End an open operation that makes a simulation alone, and return it."""
        made = {column: getattr(evidence, column) for column in _EVIDENCE_COLUMNS}
        return await self._end(operation, status=OperationStatus.SUCCEEDED, **made, evidence_seal=evidence.seal)

    async def _end(self, operation: LockedOperation, **end: Any) -> Operation:
        """Write the end, with the transaction's time, and wake the waiters at commit."""
        at = operation.locked_at
        ended = replace(operation, **end, updated_at=at, progress_at=at, finished_at=at)
        await self._connection.execute(END, parameters_of(ended, ("operation_id", *_END_COLUMNS)))
        await self._connection.execute(NOTIFY, {"channel": TERMINAL_CHANNEL, "operation_id": ended.operation_id})
        self.ended.append(ended)
        return ended


def _superseded(before: Sequence[str | None] | None, now: Sequence[str]) -> list[str] | None:
    return None if before is None else [address for address in before if address is not None and address not in now]

"""The outbox of callbacks: a row is written by the transaction that ends the operation, and lives by its attempts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.callback import CallbackSubscription
from domain.callback_retries import DeliveryStatus
from storage.rows import Repository, columns_of, insert_statement, parameters_of, value_row

INSERT_DELIVERY: Final = """
INSERT INTO callback_deliveries (operation_id, status, created_at) VALUES (%(operation_id)s, 'PENDING', now())
ON CONFLICT (operation_id) DO NOTHING
"""
# Of the delivery `d`.
ATTEMPTS: Final = """
    (SELECT coalesce(max(attempt_no), 0) FROM callback_attempts a WHERE a.operation_id = d.operation_id) AS attempts"""
SELECT_DELIVERY: Final = f"""
SELECT d.status, d.created_at, d.finished_at, d.due_at, d.redelivered_at, d.redelivered_by, d.attempts_before,
    clock_timestamp() AS read_at, {ATTEMPTS}
FROM callback_deliveries d WHERE d.operation_id = %(operation_id)s
"""
LOCK_DELIVERY: Final = f"{SELECT_DELIVERY} FOR UPDATE OF d"
SELECT_SUBSCRIPTION: Final = """
SELECT callback_url, callback_headers FROM operations
WHERE operation_id = %(operation_id)s AND callback_url IS NOT NULL
"""
# An attempt is made by a running workflow, which need not be started any more.
RECORD_OUTCOME: Final = """
UPDATE callback_deliveries
SET status = %(status)s, due_at = now() + %(delay)s, attempts_before = %(attempts_before)s,
    started_workflow_at = coalesce(started_workflow_at, now()),
    finished_at = CASE WHEN %(status)s = 'PENDING' THEN NULL ELSE now() END
WHERE operation_id = %(operation_id)s
"""
REOPEN: Final = """
UPDATE callback_deliveries
SET status = 'PENDING', finished_at = NULL, redelivered_at = now(), redelivered_by = %(by)s, due_at = now(),
    checked_at = NULL,
    started_workflow_at = NULL, start_claimed_at = now(), attempts_before = %(attempts_before)s
WHERE operation_id = %(operation_id)s
"""
GIVE_UP: Final = """
UPDATE callback_deliveries SET status = 'FAILED', finished_at = now()
WHERE operation_id = %(operation_id)s AND status = 'PENDING' AND redelivered_at IS NOT DISTINCT FROM %(redelivered_at)s
RETURNING operation_id
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A callback that is pending or has ended; attempts up to `attempts_before` belong to rounds that are over.

    `read_at` is PostgreSQL's time when the row was read: all that is compared with its times, or stored beside them,
    is measured from there.
    """

    status: DeliveryStatus
    created_at: datetime
    finished_at: datetime | None
    due_at: datetime
    redelivered_at: datetime | None
    redelivered_by: str | None
    attempts_before: int
    attempts: int
    read_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryAttempt:
    """One try, answered with a status code or ended by an error; times in UTC."""

    attempt_no: int
    attempted_at: datetime
    duration_ms: int
    status_code: int | None
    error_class: str | None


_ATTEMPT_COLUMNS: Final = columns_of(DeliveryAttempt)
SELECT_ATTEMPTS: Final = f"""
SELECT {", ".join(_ATTEMPT_COLUMNS)} FROM callback_attempts WHERE operation_id = %(operation_id)s ORDER BY attempt_no
"""
INSERT_ATTEMPT: Final = insert_statement("callback_attempts", ("operation_id", *_ATTEMPT_COLUMNS))
DELIVERY_ROW: Final = value_row(Delivery)
ATTEMPT_ROW: Final = value_row(DeliveryAttempt)


class DeliveryReader(Repository):
    async def get(self, operation_id: str) -> Delivery | None:
        """None when no callback was asked for, or the operation has not ended."""
        return await self._one(DELIVERY_ROW, SELECT_DELIVERY, operation_id=operation_id)

    async def subscription(self, operation_id: str) -> CallbackSubscription | None:
        """The callback that the client asked for, if any."""
        cursor = await self._connection.execute(SELECT_SUBSCRIPTION, {"operation_id": operation_id})
        row = await cursor.fetchone()
        return None if row is None else CallbackSubscription.stored(*row)

    async def attempts(self, operation_id: str) -> list[DeliveryAttempt]:
        """Oldest first."""
        return await self._all(ATTEMPT_ROW, SELECT_ATTEMPTS, operation_id=operation_id)


class Deliveries(DeliveryReader):
    async def add(self, operation_id: str) -> None:
        """Add the pending callback of an operation that the same transaction ends."""
        await self._connection.execute(INSERT_DELIVERY, {"operation_id": operation_id})

    async def lock_delivery(self, operation_id: str) -> Delivery | None:
        """The delivery, locked until the transaction ends: attempts and redeliveries come one after the other."""
        return await self._one(DELIVERY_ROW, LOCK_DELIVERY, operation_id=operation_id)

    async def add_attempt(self, operation_id: str, attempt: DeliveryAttempt) -> None:
        await self._connection.execute(
            INSERT_ATTEMPT, {"operation_id": operation_id, **parameters_of(attempt, _ATTEMPT_COLUMNS)}
        )

    async def record_outcome(
        self, operation_id: str, status: DeliveryStatus, *, delay: timedelta, attempts_before: int
    ) -> None:
        """Record the status after an attempt; `delay` is the time until the next one, if there is one."""
        await self._connection.execute(
            RECORD_OUTCOME,
            {"operation_id": operation_id, "status": status, "delay": delay, "attempts_before": attempts_before},
        )

    async def reopen(self, operation_id: str, *, attempts_before: int, by: str) -> None:
        """Make the callback pending once more; the caller starts its workflow, or the starter does in a few seconds."""
        await self._connection.execute(
            REOPEN, {"operation_id": operation_id, "attempts_before": attempts_before, "by": by}
        )

    async def give_up(self, operation_id: str, *, redelivered_at: datetime | None) -> bool:
        """End a delivery that no workflow is working on; False when another redelivery was asked for since then."""
        return await self._value(GIVE_UP, operation_id=operation_id, redelivered_at=redelivered_at) is not None

"""The log of a callback's delivery in the shape of the contract."""

from typing import Any

from api.presentation import optional_timestamp
from domain.callback_retries import DeliveryStatus
from domain.timestamps import wire_timestamp
from services.redelivery import DeliveryLog
from storage.deliveries import DeliveryAttempt


def delivery_log(log: DeliveryLog) -> dict[str, Any]:
    delivery = log.delivery
    is_pending = delivery is not None and delivery.status is DeliveryStatus.PENDING
    return {
        "operation_id": log.operation_id,
        "webhook_id": log.webhook_id,
        "host": log.host,
        "status": "NOT_DUE" if delivery is None else delivery.status,
        "created_at": None if delivery is None else wire_timestamp(delivery.created_at),
        "finished_at": None if delivery is None else optional_timestamp(delivery.finished_at),
        "next_attempt_at": wire_timestamp(delivery.due_at) if delivery is not None and is_pending else None,
        "attempts": [_attempt(attempt) for attempt in log.attempts],
    }


def _attempt(attempt: DeliveryAttempt) -> dict[str, Any]:
    return {
        "attempt_no": attempt.attempt_no,
        "at": wire_timestamp(attempt.attempted_at),
        "duration_ms": attempt.duration_ms,
        "status_code": attempt.status_code,
        "error": attempt.error_class,
    }

"""Step `deliver_callback`: one attempt to tell a receiver that its operation has ended."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from temporalio import activity

from activities.boundary import boundary, log_as_work_of
from activities.host_slots import HostSlots
from activities.metrics import WorkerMetrics
from activities.own_workflow import require_own_delivery
from domain.callback import CallbackRules, CallbackSubscription, callback_body, webhook_id
from domain.callback_headers import sendable_headers
from domain.callback_retries import AttemptError, DeliveryStatus, delay_after, parsed_retry_after, status_after
from domain.callback_url import CallbackUrl
from domain.errors import OperationNotFound
from domain.operation import Operation
from services.callback_sender import CallbackSender
from services.callback_target import AttemptFailed, CallbackTargets
from services.callback_transport import CallbackTransport
from storage.deliveries import Delivery, DeliveryAttempt
from storage.unit_of_work import Storage
from workflows.messages import DeliverInput, DeliverResult

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Attempt:
    """The result of an attempt: a status code or an error."""

    attempted_at: datetime
    duration_ms: int
    status_code: int | None = None
    error: AttemptError | None = None
    retry_after: timedelta | None = None


class DeliverStep:
    def __init__(
        self,
        storage: Storage,
        targets: CallbackTargets,
        transport: CallbackTransport,
        rules: CallbackRules,
        slots: HostSlots,
        *,
        metrics: WorkerMetrics,
    ) -> None:
        self._storage = storage
        self._targets = targets
        self._sender = CallbackSender(targets, transport, rules)
        self._rules = rules
        self._slots = slots
        self._metrics = metrics

    @activity.defn(name="deliver_callback")
    @boundary
    async def deliver_callback(self, step: DeliverInput) -> DeliverResult:
        require_own_delivery(step.operation_id)
        async with self._storage.reading() as reading:
            operation = await reading.operations.get(step.operation_id)
            delivery = await reading.deliveries.get(step.operation_id)
            subscription = await reading.deliveries.subscription(step.operation_id)
        if operation is None or delivery is None or subscription is None:
            raise OperationNotFound
        log_as_work_of(operation.correlation_id)
        if delivery.status is not DeliveryStatus.PENDING:
            return DeliverResult(state=delivery.status.value, attempts=delivery.attempts)
        if delivery.attempts > step.attempts:
            # This very attempt was recorded before its worker crashed, or another run has made it.
            remaining = (delivery.due_at - delivery.read_at).total_seconds()
            return DeliverResult(state="PENDING", attempts=delivery.attempts, retry_seconds=max(0.0, remaining))
        try:
            url = self._targets.parse(subscription.url)
        except AttemptFailed as failed:
            tried = _Attempt(attempted_at=delivery.read_at, duration_ms=0, error=failed.error)
            return await self._recorded(step, tried, read=delivery, host=None)
        with self._slots.slot(url.host) as has_slot:
            if not has_slot:
                return DeliverResult(state="HOST_BUSY", attempts=delivery.attempts, host=url.host)
            tried = await self._try(operation, subscription, url, at=delivery.read_at)
        return await self._recorded(step, tried, read=delivery, host=url.host)

    async def _try(
        self, operation: Operation, subscription: CallbackSubscription, url: CallbackUrl, *, at: datetime
    ) -> _Attempt:
        """Make the attempt; `at` is PostgreSQL's time, which the signature names, too.

        Receivers compare `webhook-timestamp` with clocks of their own. This process's clock may be wrong, and then they
        would refuse every callback that this worker sends.
        """
        began = time.monotonic()

        def now() -> datetime:
            return at + timedelta(seconds=time.monotonic() - began)

        status_code, error, retry_after = None, None, None
        try:
            answer = await self._sender.send(
                url,
                message_id=webhook_id(operation.operation_id),
                body=callback_body(operation, public_url=self._rules.public_url),
                added=sendable_headers(subscription.headers),
                now=now,
            )
        except AttemptFailed as failed:
            error = failed.error
        else:
            status_code, retry_after = answer.status_code, parsed_retry_after(answer.retry_after, now=now())
        return _Attempt(
            attempted_at=at,
            duration_ms=round((now() - at) / timedelta(milliseconds=1)),
            status_code=status_code,
            error=error,
            retry_after=retry_after,
        )

    async def _recorded(
        self, step: DeliverInput, tried: _Attempt, *, read: Delivery, host: str | None
    ) -> DeliverResult:
        """Record attempt and outcome in one transaction, so that a delivery follows the log that it shows.

        `read` is the delivery as it was before the attempt.
        """
        async with self._storage.transaction() as transaction:
            delivery = await transaction.deliveries.lock_delivery(step.operation_id)
            if delivery is None:
                raise OperationNotFound
            attempt_no = delivery.attempts + 1
            await transaction.deliveries.add_attempt(
                step.operation_id,
                DeliveryAttempt(
                    attempt_no=attempt_no,
                    attempted_at=tried.attempted_at,
                    duration_ms=tried.duration_ms,
                    status_code=tried.status_code,
                    error_class=tried.error,
                ),
            )
            is_redelivered = delivery.redelivered_at != read.redelivered_at
            outcome = _outcome(delivery, tried, jitter=step.jitter, is_redelivered=is_redelivered)
            if delivery.status is DeliveryStatus.PENDING:
                await transaction.deliveries.record_outcome(
                    step.operation_id, outcome.status, delay=outcome.delay, attempts_before=outcome.attempts_before
                )
        self._metrics.attempted(
            status_code=tried.status_code,
            error=tried.error,
            seconds=tried.duration_ms / 1000,
            delivery=outcome.status,
        )
        log.info(
            "callback_attempted",
            operation_id=step.operation_id,
            host=host,
            attempt_no=attempt_no,
            status_code=tried.status_code,
            error=tried.error,
            delivery=outcome.status.value,
        )
        return DeliverResult(
            state=outcome.status.value,
            attempts=attempt_no,
            host=host,
            status_code=tried.status_code,
            error=tried.error,
            retry_seconds=outcome.delay.total_seconds(),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    status: DeliveryStatus
    delay: timedelta = timedelta(0)
    attempts_before: int


def _outcome(delivery: Delivery, tried: _Attempt, *, jitter: float, is_redelivered: bool) -> _Outcome:
    """The state after the attempt; `is_redelivered`: another delivery was requested during the attempt."""
    attempt_no = delivery.attempts + 1
    tries = attempt_no - delivery.attempts_before
    status = status_after(status_code=tried.status_code, tries=tries)
    if status is DeliveryStatus.DELIVERED:
        return _Outcome(status=status, attempts_before=delivery.attempts_before)
    if is_redelivered:  # the failed attempt belongs to the round before the redelivery
        return _Outcome(status=DeliveryStatus.PENDING, attempts_before=attempt_no)
    if status is DeliveryStatus.FAILED:
        return _Outcome(status=status, attempts_before=delivery.attempts_before)
    delay = delay_after(tries=tries, jitter=jitter, retry_after=tried.retry_after)
    return _Outcome(status=status, delay=delay, attempts_before=delivery.attempts_before)

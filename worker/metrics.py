"""What a worker counts of its housekeeping and its callbacks, and the port where Prometheus finds it."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from domain.callback_retries import AttemptError, DeliveryStatus
from services.purging import Kind
from workflows.messages import ReconcileDeliveriesResult, ReconcileResult

# A stalled operation is looked at every half minute: for as long as three looks its attempt is remembered.
ATTEMPTS_REMEMBERED_SECONDS: Final = 90.0

log = structlog.get_logger(__name__)


class MetricsUnserved(Exception):
    """The address is taken, or is none of this machine's."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason)
        self.reason = reason


class WorkerMetrics:
    """Times of last runs begin with the process's start, so that a fresh worker is not taken for an idle one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, description: str, *labels: str) -> Counter:
            return Counter(f"proposals_{name}", description, labels, registry=registry)

        def gauge(name: str, description: str) -> Gauge:
            return Gauge(f"proposals_{name}", description, registry=registry)

        self._reconciled = counter(
            "reconcile_operations", "Open operations, by what reconcile did with them.", "outcome"
        )
        self._deliveries = counter("reconcile_deliveries", "Overdue callbacks, by what reconcile did.", "outcome")
        self._reconciled_at = gauge("reconcile_last_run_timestamp_seconds", "When a run of reconcile last ended well.")
        self._purged = counter("purged_rows", "Rows that were removed because they had been kept long enough.", "kind")
        self._purged_at = gauge("purge_last_run_timestamp_seconds", "When a run of the purge last had nothing left.")
        self._attempts = counter("callback_attempts", "Attempts of callbacks, by status class or error.", "outcome")
        self._attempt_seconds = Histogram(
            "proposals_callback_attempt_seconds", "How long attempts of callbacks took.", registry=registry
        )
        self._delivered = counter("callbacks_ended", "Callbacks that will not be attempted any more.", "status")
        self._workflow_tasks: deque[tuple[float, int]] = deque()
        gauge(
            "workflow_task_attempt_max",
            "The highest attempt of a pending workflow task that reconcile has seen lately.",
        ).set_function(self._highest_attempt)
        # A rate is known only of a series that was there before its first event.
        for outcome in ("examined", "restarted", "ended", "cancelled"):
            self._reconciled.labels(outcome)
        for outcome in ("examined", "restarted", "failed"):
            self._deliveries.labels(outcome)
        for outcome in ("2xx", "3xx", "4xx", "5xx", *AttemptError):
            self._attempts.labels(str(outcome))
        for kind in ("operations", "keys", "review keys", "simulations", "tombstones", "documents"):
            self._purged.labels(kind)
        for status in (DeliveryStatus.DELIVERED, DeliveryStatus.FAILED):
            self._delivered.labels(status.value)
        self._reconciled_at.set_to_current_time()
        self._purged_at.set_to_current_time()

    def reconciled(self, result: ReconcileResult, *, workflow_task_attempt: int) -> None:
        self._reconciled.labels("examined").inc(result.examined)
        self._reconciled.labels("restarted").inc(result.restarted)
        self._reconciled.labels("ended").inc(result.ended)
        self._reconciled.labels("cancelled").inc(result.cancelled)
        self._reconciled_at.set_to_current_time()
        self._workflow_tasks.append((time.monotonic(), workflow_task_attempt))

    def deliveries_reconciled(self, result: ReconcileDeliveriesResult) -> None:
        self._deliveries.labels("examined").inc(result.examined)
        self._deliveries.labels("restarted").inc(result.restarted)
        self._deliveries.labels("failed").inc(result.failed)

    def purged(self, kind: Kind, count: int) -> None:
        self._purged.labels(kind).inc(count)

    def purge_done(self) -> None:
        self._purged_at.set_to_current_time()

    def attempted(
        self, *, status_code: int | None, error: AttemptError | None, seconds: float, delivery: DeliveryStatus
    ) -> None:
        self._attempts.labels(f"{status_code // 100}xx" if status_code is not None else str(error or "")).inc()
        self._attempt_seconds.observe(seconds)
        if delivery is not DeliveryStatus.PENDING:
            self._delivered.labels(delivery.value).inc()

    def _highest_attempt(self) -> float:
        oldest = time.monotonic() - ATTEMPTS_REMEMBERED_SECONDS
        while self._workflow_tasks and self._workflow_tasks[0][0] < oldest:
            self._workflow_tasks.popleft()
        return float(max((attempt for _, attempt in list(self._workflow_tasks)), default=0))


@contextmanager
def served(registry: CollectorRegistry, *, host: str, port: int | None) -> Iterator[None]:
    """`/metrics` on that port while the block runs, from a thread: it answers also when the event loop is stuck.

    Nothing without a port. Raises MetricsUnserved when it is taken.
    """
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as failure:
        raise MetricsUnserved(failure.strerror) from None
    log.info("worker_metrics_served", host=host, port=port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

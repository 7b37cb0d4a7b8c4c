"""The worker's metrics of housekeeping, callbacks and batches. A metric is declared here and set by its step."""

import time
from collections import deque
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from domain.callback_retries import AttemptError, DeliveryStatus
from storage.retention import KINDS
from workflows.messages import ReconcileDeliveriesResult, ReconcileResult

# Reconcile looks at a stalled operation every half minute; its attempt is remembered for three looks.
ATTEMPTS_REMEMBERED_SECONDS: Final = 90.0
RECONCILED: Final = ("examined", "restarted", "ended", "cancelled")
DELIVERIES_RECONCILED: Final = ("examined", "restarted", "failed")


class WorkerMetrics:
    """Times of last runs begin with the process's start, so that a fresh worker is not taken for an idle one."""

    def __init__(self, registry: CollectorRegistry, *, signs_evidence: bool = False) -> None:
        def counter(name: str, description: str, **values: tuple[str, ...]) -> Counter:
            made = Counter(f"proposals_{name}", description, tuple(values), registry=registry)
            # Create the series up front: `rate()` misses the first increment of a new one.
            for label, known in values.items():
                for value in known:
                    made.labels(**{label: value})
            return made

        def gauge(name: str, description: str) -> Gauge:
            return Gauge(f"proposals_{name}", description, registry=registry)

        self._reconciled = counter(
            "reconcile_operations",
            "Open operations, by what reconcile did with them.",
            outcome=RECONCILED,
        )
        self._reconciled_at = gauge("reconcile_last_run_timestamp_seconds", "When a run of reconcile last ended well.")
        self._deliveries = counter(
            "reconcile_deliveries",
            "Overdue callbacks, by what reconcile did.",
            outcome=DELIVERIES_RECONCILED,
        )
        self.purged_rows = counter(
            "purged_rows", "Rows that were removed because they had been kept long enough.", kind=KINDS
        )
        self.purged_at = gauge("purge_last_run_timestamp_seconds", "When a run of the purge last had nothing left.")
        gauge(
            "evidence_key_configured", "1 when this worker has the key that signs checkpoints of evidence, else 0."
        ).set(signs_evidence)
        self._attempts = counter(
            "callback_attempts",
            "Attempts of callbacks, by status class or error.",
            outcome=("2xx", "3xx", "4xx", "5xx", *(error.value for error in AttemptError)),
        )
        self._attempt_seconds = Histogram(
            "proposals_callback_attempt_seconds", "How long attempts of callbacks took.", registry=registry
        )
        self._callbacks_ended = counter(
            "callbacks_ended",
            "Callbacks that will not be attempted any more.",
            status=(DeliveryStatus.DELIVERED.value, DeliveryStatus.FAILED.value),
        )
        self._runs = counter(
            "runs", "Runs of batches that were committed, by how they ended.", outcome=("SUCCEEDED", "FAILED")
        )
        self._chunk_seconds = Histogram(
            "proposals_chunk_seconds", "From the reading of a batch's chunk to its commit.", registry=registry
        )
        self._workflow_tasks: deque[tuple[float, int]] = deque()
        gauge(
            "workflow_task_attempt_max",
            "The highest attempt of a pending workflow task that reconcile has seen lately.",
        ).set_function(self._highest_attempt)
        self._reconciled_at.set_to_current_time()
        self.purged_at.set_to_current_time()

    def reconciled(self, result: ReconcileResult, *, workflow_task_attempt: int) -> None:
        """A run ended, with the highest attempt of a pending workflow task among the workflows that it looked at."""
        for outcome in RECONCILED:
            self._reconciled.labels(outcome).inc(getattr(result, outcome))
        self._reconciled_at.set_to_current_time()
        self._workflow_tasks.append((time.monotonic(), workflow_task_attempt))

    def deliveries_reconciled(self, result: ReconcileDeliveriesResult) -> None:
        for outcome in DELIVERIES_RECONCILED:
            self._deliveries.labels(outcome).inc(getattr(result, outcome))

    def attempted(
        self, *, status_code: int | None, error: AttemptError | None, seconds: float, delivery: DeliveryStatus
    ) -> None:
        """An attempt was recorded, and this is what its delivery has come to."""
        self._attempts.labels(f"{status_code // 100}xx" if status_code is not None else str(error or "")).inc()
        self._attempt_seconds.observe(seconds)
        if delivery is not DeliveryStatus.PENDING:
            self._callbacks_ended.labels(delivery.value).inc()

    def computed(self, succeeded: int, failed: int, *, seconds: float) -> None:
        """A chunk of a batch was committed."""
        self._runs.labels("SUCCEEDED").inc(succeeded)
        self._runs.labels("FAILED").inc(failed)
        self._chunk_seconds.observe(seconds)

    def _highest_attempt(self) -> float:
        oldest = time.monotonic() - ATTEMPTS_REMEMBERED_SECONDS
        while self._workflow_tasks and self._workflow_tasks[0][0] < oldest:
            self._workflow_tasks.popleft()
        return float(max((attempt for _, attempt in list(self._workflow_tasks)), default=0))

"""The metrics of a process and of the operations that it ends, in a registry of its own.

Labels have few values, all of them ours: names of routes, states and codes, never an id or what a client sent.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from temporalio.runtime import Runtime

from domain.errors import OperationInternalError, is_recorded_failure
from domain.operation import Operation, OperationFailure, OperationType
from runtime.background import background
from runtime.database import Database
from runtime.sdk_metrics import SdkMetrics

OPERATION_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 14400, 86400)

log = structlog.get_logger(__name__)


class ProcessMetrics:
    """The registry of a process, with what API and worker have in common.

    `sdk` measures a Temporal runtime of its own; without it clients use the SDK's default one.
    """

    def __init__(self, sdk: SdkMetrics | None = None) -> None:
        # Otherwise each series has a second one with the time of its first value.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations
        self.registry = CollectorRegistry(auto_describe=True)
        self.sdk = sdk
        ProcessCollector(registry=self.registry)
        if sdk is not None:
            self.registry.register(sdk)
        self._ended = Counter(
            "proposals_operations_ended",
            "Operations that this process ended; `code` is empty for those that succeeded.",
            ("type", "status", "code"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "proposals_operation_seconds",
            "From the submission of an operation to its end.",
            ("type", "status"),
            buckets=OPERATION_SECONDS,
            registry=self.registry,
        )

        # Create the series up front: `rate()` misses the first increment of a new one.
        for operation_type in OperationType:
            self._ended.labels(operation_type.value, "SUCCEEDED", "")
            self._ended.labels(operation_type.value, "FAILED", OperationInternalError.code)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Runtime | None]:
        """Gives the runtime that the clients of the process are to be made with."""
        if self.sdk is None:
            yield None
            return
        async with background(self.sdk.drain_round, name="sdk-metrics"):
            yield self.sdk.runtime

    @contextmanager
    def served(self, *, host: str, port: int | None) -> Iterator[None]:
        """`/metrics` on that port while the block runs, from a thread: it is served even while the event loop is stuck.

        Nothing without a port. Raises OSError when the port is taken.
        """
        if port is None:
            yield
            return
        server, thread = start_http_server(port, host, self.registry)
        log.info("worker_metrics_served", host=host, port=port)
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def watch(self, database: Database) -> None:
        self.registry.register(PoolCollector(database))

    def operation_ended(self, ended: Operation) -> None:
        status = ended.status.value
        code = "" if ended.failure is None else _code(ended.failure)
        self._ended.labels(ended.operation_type.value, status, code).inc()
        seconds = (ended.updated_at - ended.created_at).total_seconds()
        self._seconds.labels(ended.operation_type.value, status).observe(max(0.0, seconds))


def _code(failure: OperationFailure) -> str:
    """The contract's code of a failure: one of a closed list."""
    return failure.problem if is_recorded_failure(failure.code, failure.message) else "OTHER"


class PoolCollector(Collector):
    """The pool of PostgreSQL connections and its breaker, as they are when they are asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterable[Metric]:
        usage = self._database.usage
        gauges = {
            "proposals_database_available": (
                "1 while PostgreSQL answers, 0 while the breaker is open.",
                usage.available,
            ),
            "proposals_database_pool_in_use": ("Connections that are in use.", usage.in_use),
            "proposals_database_pool_waiting": ("Tasks that wait for a connection.", usage.waiting),
            "proposals_database_pool_open": ("Connections that the pool holds.", usage.open),
            "proposals_database_pool_size": ("Connections that the pool may hold.", usage.size),
        }
        for name, (description, value) in gauges.items():
            yield GaugeMetricFamily(name, description, value=value)
        yield CounterMetricFamily("proposals_database_outages", "How often the breaker opened.", value=usage.outages)

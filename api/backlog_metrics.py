"""How much work is open, for Prometheus: read when it is asked for, at most once in some seconds, whoever asks."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.errors import StorageUnavailable
from services.readiness import Readiness, ReadinessCheck
from storage.backlog import OpenOperations, PendingDeliveries
from storage.unit_of_work import Storage

FRESH_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 1.0  # a scrape waits no longer for PostgreSQL; then it gets what was read last
STALE_SECONDS: Final = 60.0  # older than this it is left out


class BacklogMetrics(Collector):
    """`refresh` reads, `collect` tells what was read last; ages grow in between, with or without PostgreSQL."""

    def __init__(self, storage: Storage, readiness: ReadinessCheck) -> None:
        self._storage = storage
        self._readiness = readiness
        self._reading: asyncio.Task[None] | None = None
        self._tried_at = float("-inf")
        self._read_at = float("-inf")
        self._operations: OpenOperations | None = None
        self._deliveries: PendingDeliveries | None = None
        self._ready: Readiness | None = None

    async def refresh(self) -> None:
        if self._reading is None and monotonic() - self._tried_at >= FRESH_SECONDS:
            self._tried_at = monotonic()
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(self._forget)
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=PATIENCE_SECONDS)

    def _forget(self, _: asyncio.Task[None]) -> None:
        self._reading = None

    async def _read(self) -> None:
        self._ready, _ = await asyncio.gather(self._readiness.readiness(), self._read_backlog())

    async def _read_backlog(self) -> None:
        try:
            async with self._storage.reading() as reading:
                self._operations = await reading.backlog.open_operations()
                self._deliveries = await reading.backlog.pending_deliveries()
        except StorageUnavailable:
            return
        self._read_at = monotonic()

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is depends on PostgreSQL."""
        return []

    def collect(self) -> Iterable[Metric]:
        if self._ready is not None:
            yield _dependencies(self._ready)
        if monotonic() - self._read_at > STALE_SECONDS:
            return
        since_read = timedelta(seconds=monotonic() - self._read_at)
        if self._operations is not None:
            yield from _operations(self._operations, now=self._operations.read_at + since_read)
        if self._deliveries is not None:
            yield from _deliveries(self._deliveries, now=self._deliveries.read_at + since_read)


def _dependencies(ready: Readiness) -> Metric:
    family = GaugeMetricFamily(
        "proposals_dependency_up",
        "1 for each of database, temporal and workers that is well, as /health/ready says.",
        labels=["dependency"],
    )
    for name, state in (("database", ready.database), ("temporal", ready.temporal), ("workers", ready.workers)):
        family.add_metric([name], float(state == "ok"))
    return family


def _operations(found: OpenOperations, *, now: datetime) -> Iterable[Metric]:
    family = GaugeMetricFamily("proposals_operations_open", "Operations that have not ended.", labels=["status"])
    family.add_metric(["PENDING"], found.pending)
    family.add_metric(["RUNNING"], found.running)
    yield family
    yield _age("proposals_operation_oldest_pending_seconds", "Since the oldest PENDING one.", now, found.oldest_pending)
    yield _age("proposals_operation_oldest_running_seconds", "Since the oldest RUNNING one.", now, found.oldest_running)


def _deliveries(found: PendingDeliveries, *, now: datetime) -> Iterable[Metric]:
    yield GaugeMetricFamily("proposals_deliveries_pending", "Callbacks that are owed.", value=found.pending)
    yield _age("proposals_delivery_oldest_pending_seconds", "Since the oldest was owed.", now, found.oldest_pending)
    yield _age("proposals_delivery_overdue_seconds", "Since the next attempt of one was due.", now, found.first_due)


def _age(name: str, description: str, now: datetime, since: datetime | None) -> Metric:
    seconds = 0.0 if since is None else max(0.0, (now - since).total_seconds())
    return GaugeMetricFamily(name, f"{description} In seconds, 0 when there is none.", value=seconds)

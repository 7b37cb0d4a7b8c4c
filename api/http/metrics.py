"""What an API process measures: its requests, what they hold in memory, and how much work is open."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.http.limits import LargeAnswers, UnreadBodies
from domain.errors import StorageUnavailable
from services.open_operations import Refusal
from services.readiness import Readiness, ReadinessService
from storage.backlog import OpenOperations, PendingDeliveries
from storage.listener import TerminalListener
from storage.unit_of_work import Storage

SECONDS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
FAILURES: Final = ("500", "503")
FRESH_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 1.0  # a scrape waits no longer for PostgreSQL; then it gets what was read last
STALE_SECONDS: Final = 60.0  # older than this it is left out


class HttpMetrics:
    """Requests by the template of their route: never by a path or anything else of a client's."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "proposals_http_requests",
            "Requests by route and status; `aborted` has no status because the client disconnected.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "proposals_http_request_seconds",
            "From a request's head to the end of its answer; `waits` tells of those that wait for an end.",
            ("method", "route", "waits"),
            buckets=SECONDS,
            registry=registry,
        )
        self._seen: set[tuple[str, str]] = set()

    def answered(self, *, method: str, route: str, status: str, waits: bool, seconds: float) -> None:
        if (method, route) not in self._seen:
            # A rate is known only of a series that was there before its first event.
            self._seen.add((method, route))
            for failure in FAILURES:
                self._requests.labels(method, route, failure)
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route, str(waits).lower()).observe(seconds)


class RefusalMetrics:
    """Operations that a limit refused: which limit, never which client."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._refused = Counter(
            "proposals_operations_refused",
            "New operations that were answered 429, by the limit that is reached: `all_clients` or `one_client`.",
            ("limit",),
            registry=registry,
        )
        for limit in Refusal:
            self._refused.labels(limit.value)  # a rate is known only of a series that was there before

    def refused(self, limit: Refusal) -> None:
        self._refused.labels(limit.value).inc()


class LoadMetrics(Collector):
    """What requests hold in memory at the moment: waits for an end, unread bodies, documents of large answers."""

    def __init__(self, listener: TerminalListener, bodies: UnreadBodies, answers: LargeAnswers) -> None:
        self._listener = listener
        self._bodies = bodies
        self._answers = answers

    def collect(self) -> Iterable[Metric]:
        listening = float(self._listener.listening.is_set())
        yield GaugeMetricFamily(
            "proposals_waiters", "Waits for an operation's end.", value=self._listener.subscriptions
        )
        yield GaugeMetricFamily(
            "proposals_listening", "1 while PostgreSQL sends notifications of ends.", value=listening
        )
        yield GaugeMetricFamily(
            "proposals_unread_body_bytes",
            "Bytes of bodies that are received or wait to be read.",
            value=self._bodies.size,
        )
        yield GaugeMetricFamily(
            "proposals_large_answer_bytes",
            "Bytes of documents that are held for large answers until these are sent.",
            value=self._answers.size,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Backlog:
    """What one reading found, `at` a time of this process's clock."""

    at: float
    operations: OpenOperations
    deliveries: PendingDeliveries
    runs: int
    checkpoint_age: float


class BacklogMetrics(Collector):
    """Open work. `refresh` reads it, at most once in some seconds; `collect` returns what was read last.

    Ages grow in between, with or without PostgreSQL.
    """

    def __init__(self, storage: Storage, readiness: ReadinessService) -> None:
        self._storage = storage
        self._readiness = readiness
        self._reading: asyncio.Task[None] | None = None
        self._tried_at = float("-inf")
        self._backlog: _Backlog | None = None
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
        with suppress(StorageUnavailable):
            async with self._storage.reading() as reading:
                self._backlog = _Backlog(
                    operations=await reading.backlog.open_operations(),
                    deliveries=await reading.backlog.pending_deliveries(),
                    runs=await reading.backlog.runs_remaining(),
                    checkpoint_age=await reading.backlog.checkpoint_age(),
                    at=monotonic(),
                )

    def describe(self) -> Iterable[Metric]:
        """Nothing: the families depend on PostgreSQL."""
        return []

    def collect(self) -> Iterable[Metric]:
        if self._ready is not None:
            yield _dependencies(self._ready)
        found = self._backlog
        if found is None or monotonic() - found.at > STALE_SECONDS:
            return
        since_read = timedelta(seconds=monotonic() - found.at)
        yield from _operations(found.operations, now=found.operations.read_at + since_read)
        yield from _deliveries(found.deliveries, now=found.deliveries.read_at + since_read)
        yield GaugeMetricFamily(
            "proposals_runs_remaining", "Runs of open batches that are not computed.", value=found.runs
        )
        yield GaugeMetricFamily(
            "proposals_checkpoint_age_seconds",
            "Since the last checkpoint of evidence; without one, since the first proposal.",
            value=max(0.0, found.checkpoint_age + since_read.total_seconds()),
        )


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
    yield GaugeMetricFamily("proposals_deliveries_pending", "Callbacks that are pending.", value=found.pending)
    yield _age("proposals_delivery_oldest_pending_seconds", "Age of the oldest pending one.", now, found.oldest_pending)
    yield _age("proposals_delivery_overdue_seconds", "Since the next attempt of one was due.", now, found.first_due)


def _age(name: str, description: str, now: datetime, since: datetime | None) -> Metric:
    seconds = 0.0 if since is None else max(0.0, (now - since).total_seconds())
    return GaugeMetricFamily(name, f"{description} In seconds, 0 when there is none.", value=seconds)

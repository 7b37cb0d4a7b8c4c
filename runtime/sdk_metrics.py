"""Temporal's own metrics, taken over from the buffer of its runtime, so that a process has one page of metrics."""

import asyncio
import bisect
import threading
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from temporalio.runtime import (
    BUFFERED_METRIC_KIND_COUNTER,
    BUFFERED_METRIC_KIND_HISTOGRAM,
    BufferedMetric,
    MetricBuffer,
    MetricBufferDurationFormat,
    Runtime,
    TelemetryConfig,
)

BUFFER_SIZE: Final = 200_000  # some ten updates a second and operation; dropped, and logged, beyond it
DRAIN_SECONDS: Final = 1.0
BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10, 60, 600, 3600, 86400)

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Distribution:
    total: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))

    def observe(self, value: float) -> None:
        self.total += value
        self.counts[bisect.bisect_left(BUCKETS, value)] += 1

    def buckets(self) -> list[tuple[str, float]]:
        running, found = 0, []
        for bound, count in zip((*BUCKETS, float("inf")), self.counts, strict=True):
            running += count
            found.append(("+Inf" if bound == float("inf") else str(float(bound)), float(running)))
        return found


class SdkMetrics(Collector):
    """`runtime` is what the process's clients must be made with; made before the first of them.

    Drained by the event loop and read by a thread that serves the metrics, hence the lock.
    """

    def __init__(self) -> None:
        self._buffer = MetricBuffer(BUFFER_SIZE, MetricBufferDurationFormat.SECONDS)
        self.runtime = Runtime(telemetry=TelemetryConfig(metrics=self._buffer, attach_service_name=False))
        self._lock = threading.Lock()
        self._metrics: dict[str, BufferedMetric] = {}
        self._values: dict[str, dict[Labels, float]] = {}
        self._distributions: dict[str, dict[Labels, _Distribution]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SdkMetrics"]:
        """The buffer is drained while the block runs, whether somebody asks for metrics or not."""
        task = asyncio.create_task(self._keep_drained(), name="sdk-metrics")
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _keep_drained(self) -> None:
        while True:
            await asyncio.sleep(DRAIN_SECONDS)
            self._drain()

    def _drain(self) -> None:
        with self._lock:
            for update in self._buffer.retrieve_updates():
                metric, labels = update.metric, _labels(update.attributes)
                self._metrics.setdefault(metric.name, metric)
                if metric.kind == BUFFERED_METRIC_KIND_HISTOGRAM:
                    found = self._distributions.setdefault(metric.name, {})
                    found.setdefault(labels, _Distribution()).observe(update.value)
                elif metric.kind == BUFFERED_METRIC_KIND_COUNTER:
                    values = self._values.setdefault(metric.name, {})
                    values[labels] = values.get(labels, 0.0) + update.value
                else:
                    self._values.setdefault(metric.name, {})[labels] = update.value

    def collect(self) -> Iterable[Metric]:
        self._drain()
        with self._lock:
            return [self._family(metric) for metric in self._metrics.values()]

    def describe(self) -> Iterable[Metric]:
        """Nothing: which metrics there are is known only once they have been updated."""
        return []

    def _family(self, metric: BufferedMetric) -> Metric:
        text = metric.description or metric.name
        if metric.kind == BUFFERED_METRIC_KIND_HISTOGRAM:
            distributions = self._distributions[metric.name]
            family = HistogramMetricFamily(_with_seconds(metric), text, labels=_names(distributions))
            for labels, distribution in distributions.items():
                family.add_metric(_aligned(labels, distributions), distribution.buckets(), distribution.total)
            return family
        values = self._values[metric.name]
        kind = CounterMetricFamily if metric.kind == BUFFERED_METRIC_KIND_COUNTER else GaugeMetricFamily
        simple = kind(metric.name, text, labels=_names(values))
        for labels, value in values.items():
            simple.add_metric(_aligned(labels, values), value)
        return simple


def _labels(attributes: Mapping[str, object]) -> Labels:
    return tuple(sorted((name, str(value)) for name, value in attributes.items()))


def _names(series: Iterable[Labels]) -> list[str]:
    """All label names of a metric: Temporal leaves out those without a value."""
    return sorted({name for labels in series for name, _ in labels})


def _aligned(labels: Labels, series: Iterable[Labels]) -> list[str]:
    known = dict(labels)
    return [known.get(name, "") for name in _names(series)]


def _with_seconds(metric: BufferedMetric) -> str:
    is_duration = metric.unit in ("s", "ms", "duration", "seconds", "milliseconds")
    return f"{metric.name}_seconds" if is_duration else metric.name

"""Temporal's own metrics, taken over from the buffer of its runtime, so that a process has one page of metrics.

Temporal's SDK could serve them itself, on a second port (docs/adr/0025-one-page-of-metrics.md).
"""

import threading
from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import Metric
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
DURATION_UNITS: Final = ("s", "ms", "duration", "seconds", "milliseconds")

Labels = tuple[tuple[str, str], ...]


class SdkMetrics(Collector):
    """`runtime` is what the process's clients must be made with; made before the first of them.

    Drained by the event loop and read by a thread that serves the metrics, hence the lock.
    """

    def __init__(self) -> None:
        self._buffer = MetricBuffer(BUFFER_SIZE, MetricBufferDurationFormat.SECONDS)
        self.runtime = Runtime(telemetry=TelemetryConfig(metrics=self._buffer, attach_service_name=False))
        self._lock = threading.Lock()
        self._series: dict[tuple[str, Labels], Counter | Gauge | Histogram] = {}

    async def drain_round(self) -> float:
        """Empty the buffer, whether metrics are scraped or not; returns the seconds until the next round."""
        with self._lock:
            self._drain()
        return DRAIN_SECONDS

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        with self._lock:
            self._drain()
            for (_, labels), series in self._series.items():
                for measured in series.collect():
                    family = families.setdefault(
                        measured.name, Metric(measured.name, measured.documentation, measured.type)
                    )
                    for sample in measured.samples:
                        family.add_sample(sample.name, dict(labels) | sample.labels, sample.value)
        return families.values()

    def describe(self) -> Iterable[Metric]:
        """Nothing: which metrics there are is known only once they have been updated."""
        return []

    def _drain(self) -> None:
        for update in self._buffer.retrieve_updates():
            labels = tuple(sorted((name, str(value)) for name, value in update.attributes.items()))
            key = update.metric.name, labels
            if (series := self._series.get(key)) is None:
                series = self._series[key] = _series(update.metric)
            if isinstance(series, Counter):
                series.inc(update.value)
            elif isinstance(series, Gauge):
                series.set(update.value)
            else:
                series.observe(update.value)


def _series(metric: BufferedMetric) -> Counter | Gauge | Histogram:
    """One series without labels: those of Temporal differ within a metric, since it leaves out empty ones."""
    name = f"{metric.name}_seconds" if metric.unit in DURATION_UNITS else metric.name
    text = metric.description or metric.name
    if metric.kind == BUFFERED_METRIC_KIND_COUNTER:
        return Counter(metric.name, text, registry=None)
    if metric.kind == BUFFERED_METRIC_KIND_HISTOGRAM:
        return Histogram(name, text, registry=None, buckets=BUCKETS)
    return Gauge(metric.name, text, registry=None)

"""Traces from HTTP through workflow and activities to SQL, exported where OTEL_EXPORTER_OTLP_ENDPOINT says."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


@contextmanager
def tracing(service: str) -> Iterator[None]:
    """Export the spans of this process while the block runs; does nothing without an endpoint. Once a process."""
    if not os.environ.get(ENDPOINT):
        yield
        return
    from runtime.span_export import start_exporting  # noqa: PLC0415 -- costs every start 0.1 s, see there

    provider = start_exporting(service)
    try:
        yield
    finally:
        provider.shutdown()  # exports what it still holds; an unreachable collector costs the exporter's time-out


def is_tracing() -> bool:
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)

"""Exporting spans: a module of its own, because its imports take a tenth of a second that most processes need not wait.

A span leaves the process with what is listed here and nothing else: libraries put messages, statements and whole urls
into theirs.
"""

import os
from collections.abc import Sequence
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status

ATTRIBUTES: Final = frozenset(
    {
        "db.collection.name",
        "db.operation.name",
        "db.system.name",
        "error.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "proposals.correlation_id",
        "proposals.operation_id",
        "temporalActivityID",
        "temporalRunID",
        "temporalWorkflowID",
    }
)


def start_exporting(service: str) -> TracerProvider:
    """The provider of all tracers from now on; the OTEL_* variables say where to, how many, and under which name."""
    provider = TracerProvider(
        resource=Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME") or service}), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(CodesOnly(OTLPSpanExporter())))
    trace.set_tracer_provider(provider)
    return provider


class CodesOnly(SpanExporter):
    """Passes spans on without events, which quote exceptions, without messages, and with the listed attributes only."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_codes_only(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _codes_only(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={name: value for name, value in (span.attributes or {}).items() if name in ATTRIBUTES},
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )

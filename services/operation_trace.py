"""The trace of an operation that another process goes on with: its ids are made of the operation's id, not stored.

While the request's process starts the workflow, all of it is one trace. A start that comes later, from the starter of
any process or from reconcile, begins the trace that the operation's id stands for, and the request's span links to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags


def link_to_later_starts(operation_id: str) -> None:
    """Note the operation in the current span, and where its later starts are traced."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute("proposals.operation_id", operation_id)
        span.add_link(_own_trace(operation_id))


@contextmanager
def later_start(operation_id: str) -> Iterator[None]:
    """Spans of the block belong to the operation's own trace."""
    token = context.attach(trace.set_span_in_context(NonRecordingSpan(_own_trace(operation_id))))
    try:
        yield
    finally:
        context.detach(token)


def _own_trace(operation_id: str) -> SpanContext:
    """The id's 32 hex digits are as long as a trace's id, and half of them as long as a span's."""
    digits = operation_id.partition("_")[2]
    return SpanContext(
        trace_id=int(digits, 16),
        span_id=int(digits[16:], 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )

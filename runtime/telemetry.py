"""Structured logs: ids, classes and places, never what a client sent and never what an exception said."""

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Literal

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

FRAMES: Final = 8
CAUSES: Final = 4
LIBRARY_EVENT_LENGTH: Final = 200
QUIET: Final = ("httpx2", "httpcore2", "sqlalchemy", "alembic", "psycopg.pool")  # at INFO they log each request

log = structlog.get_logger(__name__)


def configure_logging(*, level: LogLevel, format: LogFormat) -> None:  # noqa: A002 -- the setting's own name
    """Log to stderr, once a process; libraries and uncaught exceptions go through the same processors."""
    is_console = format == "console" or (format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace,
        _without_exception_text,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer() if is_console else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_without_library_details, *shared],
            pass_foreign_args=True,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _with_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The ids of the trace that the record belongs to, while traces are exported."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _without_exception_text(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Classes and places of an exception instead of its message: messages of libraries quote their input."""
    info = event.pop("exc_info", None)
    failure = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(failure, BaseException):
        event["error_class"] = type(failure).__qualname__
        event["at"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(failure.__traceback__)[-FRAMES:]
        ]
        causes = [type(cause).__qualname__ for cause in _causes(failure)]
        if causes:
            event["caused_by"] = causes
    event.pop("stack_info", None)
    return event


def _causes(failure: BaseException) -> Iterator[BaseException]:
    cause = failure
    for _ in range(CAUSES):
        following = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
        if following is None:
            return
        yield following
        cause = following


def _without_library_details(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Of a library's record the constant part: its template without arguments, and Temporal's ids and types."""
    record, arguments = event.get("_record"), event.pop("positional_args", ())
    if isinstance(record, logging.LogRecord):
        # Numbers, such as a process id, are no client's: a message with nothing else is shown whole.
        is_numbered = bool(arguments) and all(isinstance(argument, int) for argument in arguments)
        event["event"] = _constant_part(event["event"] if is_numbered else record.msg)
        for attribute in ("temporal_workflow", "temporal_activity"):
            details = getattr(record, attribute, None)
            if isinstance(details, dict):
                kept = ("workflow_id", "workflow_type", "activity_type")
                event.update({key: details[key] for key in kept if key in details})
    return event


def _constant_part(message: object) -> str:
    """The fixed part of a library's message: values follow a colon, a brace (Temporal) or a line's end (asyncio)."""
    if not isinstance(message, str):
        return type(message).__qualname__  # uvicorn logs a taken port by logger.error(exception)
    lines = message.strip().splitlines() or [""]
    if lines[0].startswith("Traceback ("):  # Starlette hands a failed lifespan over as text
        return f"raised {lines[-1].partition(':')[0]}"[:LIBRARY_EVENT_LENGTH]
    return lines[0].partition(" ({")[0].partition(": ")[0][:LIBRARY_EVENT_LENGTH]


def _log_uncaught(kind: type[BaseException], failure: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, failure, trace)
        return
    log.critical("process_failed", exc_info=(kind, failure, trace))


def _log_uncaught_in_thread(uncaught: threading.ExceptHookArgs) -> None:
    if uncaught.exc_value is not None:
        log.critical("thread_failed", exc_info=uncaught.exc_value)

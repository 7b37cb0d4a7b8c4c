"""A span for each use of a connection and for each statement on it: which verb on which table, never the text."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from psycopg import AsyncCursor
from psycopg.abc import Params

STATEMENT: Final = re.compile(
    r"\s*(?:WITH\s.*?\)\s*)?(?P<verb>SELECT|INSERT|UPDATE|DELETE|LISTEN|SET|RESET)\b"
    r"(?:(?:.*?\b(?:FROM|INTO)|\s*(?<=UPDATE))\s+(?P<table>[a-z_]+))?",
    re.DOTALL,
)
# Tables are written in small letters, as in no FOR UPDATE.
WRITE: Final = re.compile(r"\b(?P<verb>INSERT|UPDATE|DELETE)(?: INTO| FROM)? (?P<table>[a-z_]+)")
SYSTEM: Final = {"db.system.name": "postgresql"}


@contextmanager
def connection_span() -> Iterator[None]:
    """From the wait for a connection to the end of the commit; none outside a trace, such as in background loops."""
    if not trace.get_current_span().get_span_context().is_valid:
        yield
        return
    with trace.get_tracer(__name__).start_as_current_span(
        "postgresql", kind=SpanKind.CLIENT, attributes=SYSTEM, record_exception=False, set_status_on_exception=False
    ):
        yield


class TracedCursor(AsyncCursor[Any]):
    """In a pipeline a statement's span ends when it is sent; the span of the connection has the whole time."""

    async def execute(
        self,
        query: Any,
        params: Params | None = None,
        **options: Any,
    ) -> "TracedCursor":
        if not trace.get_current_span().get_span_context().is_valid:
            return await super().execute(query, params, **options)
        verb, table = _described(query) if isinstance(query, str) else ("SQL", "")
        with trace.get_tracer(__name__).start_as_current_span(
            f"{verb} {table}".rstrip(),
            kind=SpanKind.CLIENT,
            attributes=SYSTEM | {"db.operation.name": verb} | ({"db.collection.name": table} if table else {}),
            record_exception=False,
            set_status_on_exception=False,
        ):
            return await super().execute(query, params, **options)


@lru_cache(maxsize=256)  # statements are constants of the code
def _described(statement: str) -> tuple[str, str]:
    found = _main_write(statement) if statement.lstrip().startswith("WITH") else None
    found = found or STATEMENT.match(statement)
    return ("SQL", "") if found is None else (found["verb"], found["table"] or "")


def _main_write(statement: str) -> re.Match[str] | None:
    """Of a statement of several parts the write that stands outside all parentheses, else the first one."""
    writes = list(WRITE.finditer(statement))
    before = (statement[: write.start()] for write in writes)
    outside = [write for write, text in zip(writes, before, strict=True) if text.count("(") == text.count(")")]
    return next(iter([*outside, *writes]), None)

"""Outermost middleware: each request is counted, timed, logged and, while traces are exported, part of a trace.

FastAPI's own telemetry is turned off: its spans hold whole urls, its logs what exceptions said.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, StatusCode
from starlette.datastructures import Headers
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.access_log import log_access
from api.http.metrics import HttpMetrics
from api.http.request_state import state_of
from runtime.tracing import is_tracing

ABORTED: Final = "aborted"
UNMATCHED: Final = "unmatched"
FIRST_SERVER_ERROR: Final = 500
METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
UNTRACED: Final = ("/metrics", "/health/")  # asked every few seconds, by machines


class Observation:
    def __init__(self, app: ASGIApp, *, metrics: HttpMetrics, logs_access: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._logs_access = logs_access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if is_tracing() and not scope["path"].startswith(UNTRACED):
            with _server_span(scope) as span:
                status = await self._observed(scope, receive, send)
                _describe(span, scope, status)
        else:
            await self._observed(scope, receive, send)

    async def _observed(self, scope: Scope, receive: Receive, send: Send) -> str:
        began, status = perf_counter(), ABORTED

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            if "route" not in scope:  # refused before it was routed
                scope.update(_matched(scope))
            method, route, seconds = _method(scope), _route(scope), perf_counter() - began
            waits = state_of(scope).get("waits", False)
            self._metrics.answered(method=method, route=route, status=status, waits=waits, seconds=seconds)
            if self._logs_access:
                answered = None if status == ABORTED else int(status)
                log_access(scope, method=method, route=route, status=answered, seconds=seconds)
        return status


@contextmanager
def _server_span(scope: Scope) -> Iterator[Span]:
    method = _method(scope)
    with trace.get_tracer(__name__).start_as_current_span(
        method,
        context=extract(Headers(scope=scope)),
        kind=SpanKind.SERVER,
        attributes={"http.request.method": method},
        record_exception=False,
        set_status_on_exception=True,
    ) as span:
        yield span


def _describe(span: Span, scope: Scope, status: str) -> None:
    route = _route(scope)
    span.update_name(f"{_method(scope)} {route}")
    span.set_attribute("http.route", route)
    span.set_attribute("proposals.correlation_id", state_of(scope).get("correlation_id", ""))
    if status != ABORTED:
        span.set_attribute("http.response.status_code", int(status))
        if int(status) >= FIRST_SERVER_ERROR:
            span.set_status(StatusCode.ERROR)


def _method(scope: Scope) -> str:
    """One of a closed list."""
    return scope["method"] if scope["method"] in METHODS else "OTHER"


def _matched(scope: Scope) -> Mapping[str, Any]:
    """What routing would have added for the endpoint of this path; empty when there is none."""
    for route in scope["app"].routes:
        match, found = route.matches(scope)
        if match is not Match.NONE and isinstance(route, Route):
            return {"route": route, "path_params": found["path_params"]}
    return {}


def _route(scope: Scope) -> str:
    """The template that the path matched."""
    return getattr(scope.get("route"), "path_format", None) or UNMATCHED

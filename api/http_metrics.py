"""What is counted of requests, by the template of their route: never by a path or anything else of a client's."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

SECONDS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
FAILURES: Final = ("500", "503")
METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class HttpMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "proposals_http_requests",
            "Requests by route and status; `aborted` has no status because the client went away.",
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
        counted = method if method in METHODS else "OTHER"
        if (counted, route) not in self._seen:
            # A rate is known only of a series that was there before its first event.
            self._seen.add((counted, route))
            for failure in FAILURES:
                self._requests.labels(counted, route, failure)
        self._requests.labels(counted, route, status).inc()
        self._seconds.labels(counted, route, str(waits).lower()).observe(seconds)

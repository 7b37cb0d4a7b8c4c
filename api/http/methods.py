"""What an address takes: HEAD wherever it takes GET, OPTIONS everywhere, and `Allow` for whatever it does not take.

All of it comes from the routes' paths alone, so it reveals nothing about what is stored, or for whom.
"""

from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any, Final

from fastapi import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.answers import ONLY_HEAD

WHOLE_SERVER: Final = "*"  # the target of a request that is about no address (RFC 9110, 9.3.7)
READING: Final = frozenset({"GET", "HEAD"})
ALWAYS: Final = frozenset({"OPTIONS"})


def allow(routes: Sequence[BaseRoute], scope: MutableMapping[str, Any]) -> str | None:
    """The value of `Allow` for the address of this scope; None when there is no such address."""
    if scope["path"] == WHOLE_SERVER:
        return _listed(routes)
    # A mount has cut its own off.
    whole = {**scope, "root_path": scope.get("app_root_path", scope.get("root_path", ""))}
    address = next((route for route in routes if route.matches(whole)[0] is not Match.NONE), None)
    if address is None:
        return None
    # A route knows few of its address's methods: the others are at routes of the same path.
    path = getattr(address, "path", None)
    return _listed(route for route in routes if getattr(route, "path", None) == path)


def _listed(routes: Iterable[BaseRoute]) -> str:
    taken = frozenset[str]().union(*map(_methods_of, routes))
    return ", ".join(sorted(taken | ALWAYS | (READING if "GET" in taken else frozenset())))


def _methods_of(route: BaseRoute) -> frozenset[str]:
    if getattr(route, "only_refuses", False):
        return frozenset()
    # Mounted routes serve files, and have no list of methods.
    return frozenset(getattr(route, "methods", None) or READING)


class Methods:
    """Middleware: serves HEAD by the route of GET, without the body, and answers OPTIONS by itself."""

    def __init__(self, app: ASGIApp, *, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope.get("method")
        if method == "HEAD":
            await self._head(scope, receive, send)
        elif method == "OPTIONS" and (allowed := allow(self._routes, scope)) is not None:
            await Response(status_code=204, headers={"Allow": allowed})(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        as_get = {**scope, "method": "GET", ONLY_HEAD: True}
        try:
            await self._app(as_get, receive, send_head)
        finally:
            # Metrics, spans and the access log, outside of this, go by the route and its ids.
            scope["route"], scope["path_params"] = as_get.get("route"), as_get.get("path_params", {})

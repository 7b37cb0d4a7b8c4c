"""What is known of a request while it is served: each part notes what it finds out, and others read it."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, TypedDict, cast

from api.http.http_errors import RequestRefused
from api.http.limits import AnswerRoom
from api.http.reading import ReadBody
from domain.access import Caller


class RequestState(TypedDict, total=False):
    """The `state` of an ASGI scope, which also has what the lifespan gave (`api.app`)."""

    refused: RequestRefused  # why the server below refuses what it could not even read
    correlation_id: str
    public_url: str | None  # the address that readers of links reach this service at
    caller: Caller
    is_strict: bool  # `Prefer: handling=strict`
    room: AnswerRoom
    turn: AsyncExitStack  # holds the slot of the request's key
    body: ReadBody
    is_invalid: bool  # beside what FastAPI has found
    waits: bool  # for an operation's end; metrics count such requests apart


def state_of(scope: Mapping[str, Any]) -> RequestState:
    """The request's own, to read and to write; empty, and forgotten, for a scope that no middleware has seen."""
    return cast(RequestState, scope.get("state", {}))

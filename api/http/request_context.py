"""What every request gets, whatever becomes of it: a correlation id, its header, an answer even to a bug.

The room that its answer took is given back here, once the answer has been sent.

A request that is not HTTP as this service speaks it (version, host: RFC 9112, 2.3 and 3.2) is refused here.
"""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.headers import CORRELATION_ID, STRICT
from api.http.http_errors import RequestRefused
from api.http.problems import internal_problem, refused_problem
from api.http.request_state import RequestState, state_of
from domain.ids import new_correlation_id

HEADER: Final = "X-Correlation-Id"
APPLIED: Final = "Preference-Applied"
VERSIONS: Final = frozenset({"1.0", "1.1"})
# Fields that are read and may come in several lines, which count as one list (RFC 9110, 5.3). Two values of a field
# that has one make a list, too, which is then no valid value.
JOINED: Final = frozenset(
    {
        *(b"accept", b"accept-encoding", b"content-encoding", b"if-none-match", b"prefer"),
        *(b"content-type", b"idempotency-key", b"x-correlation-id"),
    }
)
HOST: Final = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")

log = structlog.get_logger(__name__)


class RequestContext:
    """Middleware in plain ASGI, so that it also sees what routing and FastAPI answer by themselves."""

    def __init__(self, app: ASGIApp, *, public_url: str | None) -> None:
        self._app = app
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["headers"] = joined(scope["headers"])
        given = Headers(scope=scope).get(HEADER, "").strip()
        is_valid = not given or CORRELATION_ID.fullmatch(given) is not None
        correlation_id = given if given and is_valid else new_correlation_id()
        found = RequestState(correlation_id=correlation_id, public_url=self._public_url)
        scope.setdefault("state", {}).update(found)
        receive, send = _while_expected(scope, receive, send)
        refusal = refusal_of(scope) or (None if is_valid else _invalid_correlation_id())
        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            if refusal is not None:
                await refused_problem(scope, refusal)(scope, receive, _with_headers(scope, send, correlation_id))
                return
            await self._answered(scope, receive, send, correlation_id)

    async def _answered(self, scope: Scope, receive: Receive, send: Send, correlation_id: str) -> None:
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send_with_headers(message)

        send_with_headers = _with_headers(scope, send, correlation_id)
        try:
            await self._app(scope, receive, send_and_note)
        except Exception:
            log.exception("request_failed", method=scope["method"])
            if started:
                raise
            await internal_problem(scope)(scope, receive, send_with_headers)
        finally:
            if (room := state_of(scope).get("room")) is not None:
                room.give_back()


def _while_expected(scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """For a client that waits for `100 Continue`: an answer that comes without it ends the connection.

    The client may send its body all the same, or not: what follows could not be told from a next request. The server
    below sends the 100 when the body is first asked for.
    """
    if Headers(scope=scope).get("expect", "").lower() != "100-continue":
        return receive, send
    is_read = False

    async def receive_and_note() -> Message:
        nonlocal is_read
        is_read = True
        return await receive()

    async def send_and_end(message: Message) -> None:
        if message["type"] == "http.response.start" and not is_read:
            MutableHeaders(scope=message)["Connection"] = "close"
        await send(message)

    return receive_and_note, send_and_end


def joined(fields: Sequence[tuple[bytes, bytes]]) -> Sequence[tuple[bytes, bytes]]:
    """The fields of a head with one line for each of JOINED; a value that comes twice counts once, an empty one not."""
    values: dict[bytes, dict[bytes, None]] = {}
    for name, value in fields:
        if name in JOINED:
            values.setdefault(name, {})[value.strip()] = None
    if all(len(several) == 1 for several in values.values()):
        return fields
    others = [field for field in fields if field[0] not in JOINED]
    return [*others, *((name, b", ".join(filter(None, several))) for name, several in values.items())]


def _invalid_correlation_id() -> RequestRefused:
    return RequestRefused(
        "CORRELATION_ID_INVALID",
        "CORRELATION_ID_INVALID: X-Correlation-Id must be one value of 1-128 characters of A-Z a-z 0-9 . _ : / + = -",
    )


def _with_headers(scope: Scope, send: Send, correlation_id: str) -> Send:
    async def send_with_headers(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers[HEADER] = correlation_id
            if state_of(scope).get("is_strict"):  # the guarded route has read the request so
                applied = headers.get(APPLIED)
                headers[APPLIED] = STRICT if applied is None else f"{applied}, {STRICT}"
        await send(message)

    return send_with_headers


def refusal_of(scope: Mapping[str, Any]) -> RequestRefused | None:
    """Why this request is refused before it reaches the application."""
    if (refused := state_of(scope).get("refused")) is not None:
        return refused
    if scope["http_version"] not in VERSIONS:
        return version_refused()
    hosts = Headers(raw=scope["headers"]).getlist("host")
    if len(hosts) != 1 or HOST.fullmatch(hosts[0].strip()) is None:
        return malformed("The header Host must be sent once, and be a host with or without a port.")
    return None


def malformed(detail: str) -> RequestRefused:
    return RequestRefused("BAD_REQUEST", detail, headers={"Connection": "close"})


def version_refused() -> RequestRefused:
    return RequestRefused(
        "HTTP_VERSION_NOT_SUPPORTED",
        "This service speaks HTTP/1.1 and HTTP/1.0.",
        headers={"Connection": "close"},
    )

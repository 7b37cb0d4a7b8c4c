"""Every error as a problem (RFC 9457): one builder, one handler a source.

The list of a request that does not validate stays in `detail` for clients that do not know problems, and is then plain
JSON: RFC 9457 has a text there. A client that names the media type of problems gets a whole one.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from werkzeug.http import parse_accept_header

from api.http.error_catalogue import CATALOGUE, STATUS, type_of
from api.http.http_errors import INTERNAL_SERVER_ERROR, VALIDATION_FAILED, RequestRefused
from api.http.json import UnreadableBody
from api.http.methods import allow
from api.http.request_state import state_of
from domain.access import LOCAL_CALLER, Scope
from domain.errors import ActorMismatch, ErrorKind, InsufficientScope, ProposalError

CLIENT_CLOSED_REQUEST: Final = 499  # nginx's number; the client is gone
PROBLEM_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = "2"
REALM: Final = 'Bearer realm="proposals"'


def problem_response(
    scope: Mapping[str, Any],
    *,
    status: int,
    code: str,
    detail: str | Sequence[Mapping[str, Any]],
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """A problem about the request of this ASGI scope; `instance` is its path as it was sent.

    `members` are further ones of its own (RFC 9457, 3.2). `code` is one of the catalogue's.
    """
    state = state_of(scope)
    words = CATALOGUE[code].help
    body = {
        "type": type_of(code, public_url=state.get("public_url")),
        "title": words.title,
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": words.repeat.is_automatic,
        "instance": scope.get("raw_path", b"").decode("ascii", "replace"),
        "correlation_id": state.get("correlation_id"),
        **(members or {}),
    }
    media_type = PROBLEM_TYPE if isinstance(detail, str) else "application/json"
    return Response(
        json.dumps(body, ensure_ascii=False), status_code=status, headers=dict(headers or {}), media_type=media_type
    )


def business_problem(scope: Mapping[str, Any], error: ProposalError) -> Response:
    status = STATUS[error.kind]
    wait = RETRY_AFTER_SECONDS if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    if error.retry_after_seconds is not None:
        wait = str(error.retry_after_seconds)
    headers = challenge_of(scope, error) | ({} if wait is None else {"Retry-After": wait})
    return problem_response(
        scope, status=status, code=error.code, detail=error.message(), headers=headers, members=error.members()
    )


def refused_problem(scope: Mapping[str, Any], refusal: RequestRefused) -> Response:
    return problem_response(
        scope, status=refusal.status, code=refusal.code, detail=refusal.detail, headers=refusal.headers
    )


def validation_problem(scope: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]) -> Response:
    """A list of errors without what the client sent: no `input`, no `ctx`.

    Each stands in it once. FastAPI lists the parameters of a shared dependency as often as it is depended on, and
    errors of a client's own keys have one place, that of the object.
    """
    listed = list(dict.fromkeys((error["type"], tuple(error["loc"]), error["msg"]) for error in errors))
    detail: str | list[dict[str, Any]] = "The request is not valid; `errors` lists what is wrong, and where."
    if not _names_problems(scope):
        detail = [{"type": kind, "loc": place, "msg": message} for kind, place, message in listed]
    placed = [{**_place(place), "detail": message, "code": kind} for kind, place, message in listed]
    return problem_response(
        scope,
        status=422,
        code=VALIDATION_FAILED,
        detail=detail,
        headers={"Vary": "Accept"},
        members={"errors": placed},
    )


def _names_problems(scope: Mapping[str, Any]) -> bool:
    """Whether `Accept` names the media type of problems. A wildcard does not: every client sends one."""
    accept = ",".join(Headers(raw=scope.get("headers", [])).getlist("accept"))
    return any(
        media_range.partition(";")[0].strip().lower() == PROBLEM_TYPE and weight > 0
        for media_range, weight in parse_accept_header(accept)
    )


def _place(loc: Sequence[str | int]) -> dict[str, str]:
    part, *inside = loc
    if part != "body":
        return {"header" if part == "header" else "parameter": str(inside[0]) if inside else ""}
    # A body is an object: a number in the first place counts its bytes up to where it is no JSON.
    steps = [] if inside and isinstance(inside[0], int) else inside
    return {"pointer": "#" + "".join(f"/{_pointer_step(step)}" for step in steps)}


def _pointer_step(step: str | int) -> str:
    """A name or index of a JSON Pointer as part of a URI fragment (RFC 6901, 6)."""
    return quote(str(step).replace("~", "~0").replace("/", "~1"), safe="~!$&'()*+,;=:@")


def internal_problem(scope: Mapping[str, Any]) -> Response:
    detail = "Send the request again with the same key; if the error stays, report the correlation id."
    return problem_response(scope, status=500, code=INTERNAL_SERVER_ERROR, detail=detail)


def challenge(error: str | None = None, description: str | None = None, scopes: Sequence[str] = ()) -> dict[str, str]:
    """`WWW-Authenticate` (RFC 6750, section 3); its parts are fixed words, so that none needs to be escaped."""
    parts = {"error": error, "error_description": description, "scope": " ".join(scopes)}
    given = [f'{name}="{text}"' for name, text in parts.items() if text]
    return {"WWW-Authenticate": ", ".join([REALM, *given])}


def challenge_of(scope: Mapping[str, Any], error: ProposalError) -> dict[str, str]:
    """The header of a 403, which names a scope where one would help; none without authentication."""
    if error.kind is not ErrorKind.FORBIDDEN or state_of(scope).get("caller") in (None, LOCAL_CALLER):
        return {}
    if isinstance(error, InsufficientScope):
        return challenge("insufficient_scope", scopes=error.scopes)
    if isinstance(error, ActorMismatch):
        return challenge("insufficient_scope", scopes=[Scope.ACTORS_ANY])
    return challenge()


def add_problem_handlers(app: FastAPI) -> None:
    """Each source of errors to its builder; what is left ends in `api.http.request_context`."""

    @app.exception_handler(ProposalError)
    async def on_business_error(request: Request, error: ProposalError) -> Response:
        return business_problem(request.scope, error)

    @app.exception_handler(RequestRefused)
    async def on_refused_request(request: Request, error: RequestRefused) -> Response:
        return refused_problem(request.scope, error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid_request(request: Request, error: RequestValidationError) -> Response:
        return validation_problem(request.scope, error.errors())

    @app.exception_handler(UnreadableBody)
    async def on_unreadable_body(request: Request, error: UnreadableBody) -> Response:
        return validation_problem(request.scope, error.errors)

    @app.exception_handler(ClientDisconnect)
    async def on_disconnect(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=CLIENT_CLOSED_REQUEST)

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        phrase = HTTPStatus(error.status_code).phrase
        code = phrase.upper().replace(" ", "_").replace("-", "_")
        if code not in CATALOGUE:  # routing and files know 404 and 405 alone: anything else is a bug, and logged as one
            raise error
        headers = error.headers
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers = {"Allow": allow(app.router.routes, request.scope) or ""}
        return problem_response(
            request.scope,
            status=error.status_code,
            code=code,
            detail=phrase,
            headers=headers,
        )

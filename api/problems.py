"""Every error as `application/problem+json` (RFC 9457): one table from kind to status, one handler a source."""

import json
from collections.abc import Mapping, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from api.challenges import challenge_of
from api.loc import without_client_keys
from api.schemas.problems import ExpiredOperationProblem, Problem
from domain.errors import ErrorKind, OperationExpired, ProposalError

CLIENT_CLOSED_REQUEST: Final = 499  # nginx's number; nobody reads it
PROBLEM_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = "2"
VALIDATION_FAILED: Final = "VALIDATION_FAILED"

STATUS: Final[Mapping[ErrorKind, HTTPStatus]] = {
    ErrorKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorKind.DISABLED: HTTPStatus.NOT_FOUND,
    ErrorKind.CONFLICT: HTTPStatus.CONFLICT,
    ErrorKind.CANCELLED: HTTPStatus.CONFLICT,
    ErrorKind.RULE: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorKind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorKind.GONE: HTTPStatus.GONE,
    ErrorKind.TIMED_OUT: HTTPStatus.GATEWAY_TIMEOUT,
    ErrorKind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorKind.LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorKind.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class RequestRefused(Exception):
    """A request that HTTP itself rules out, before any endpoint saw it: too large, too slow, of another media type."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})


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

    `members` are further ones of its own (RFC 9457, 3.2).
    """
    phrase = HTTPStatus(status).phrase
    body = {
        "type": f"urn:proposals:problem:{code.lower().replace('_', '-')}",
        "title": phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": scope.get("raw_path", b"").decode("ascii", "replace"),
        "correlation_id": scope.get("state", {}).get("correlation_id"),
        **(members or {}),
    }
    return Response(
        json.dumps(body, ensure_ascii=False), status_code=status, headers=dict(headers or {}), media_type=PROBLEM_TYPE
    )


def business_problem(scope: Mapping[str, Any], error: ProposalError) -> Response:
    status = STATUS[error.kind]
    wait = RETRY_AFTER_SECONDS if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    if error.retry_after_seconds is not None:
        wait = str(error.retry_after_seconds)
    headers = challenge_of(scope, error) | ({} if wait is None else {"Retry-After": wait})
    members = {"operation": error.tombstone} if isinstance(error, OperationExpired) else None
    return problem_response(
        scope, status=status, code=error.code, detail=error.detail(), headers=headers, members=members
    )


def refused_problem(scope: Mapping[str, Any], refusal: RequestRefused) -> Response:
    return problem_response(
        scope, status=refusal.status, code=refusal.code, detail=refusal.detail, headers=refusal.headers
    )


def validation_problem(scope: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]) -> Response:
    """FastAPI's list of errors without what the client sent: no `input`, no `ctx`, no keys of its own maps."""
    listed = [
        {"type": error["type"], "loc": without_client_keys(error["loc"]), "msg": error["msg"]} for error in errors
    ]
    return problem_response(scope, status=422, code=VALIDATION_FAILED, detail=listed)


def internal_problem(scope: Mapping[str, Any]) -> Response:
    return problem_response(
        scope, status=500, code="INTERNAL_SERVER_ERROR", detail="An unexpected error; its cause is in the server's log."
    )


def add_problem_handlers(app: FastAPI, routes: Sequence[APIRoute]) -> None:
    """Each source of errors to its builder; what is left ends in `api.request_context`."""

    @app.exception_handler(ProposalError)
    async def on_business_error(request: Request, error: ProposalError) -> Response:
        return business_problem(request.scope, error)

    @app.exception_handler(RequestRefused)
    async def on_refused_request(request: Request, error: RequestRefused) -> Response:
        return refused_problem(request.scope, error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid_request(request: Request, error: RequestValidationError) -> Response:
        return validation_problem(request.scope, error.errors())

    @app.exception_handler(ClientDisconnect)
    async def on_disconnect(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=CLIENT_CLOSED_REQUEST)

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        phrase = HTTPStatus(error.status_code).phrase
        headers = error.headers
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers = {"Allow": ", ".join(sorted(_methods(routes, request.scope)))}
        return problem_response(
            request.scope,
            status=error.status_code,
            code=phrase.upper().replace(" ", "_").replace("-", "_"),
            detail=phrase,
            headers=headers,
        )


def _methods(routes: Sequence[APIRoute], scope: MutableMapping[str, Any]) -> set[str]:
    """What this address allows: that of the first route that its path matches, whose route knows one method only."""
    address = next((route.path for route in routes if route.matches(scope)[0] is not Match.NONE), None)
    return {
        method
        for route in routes
        if route.path == address and route.include_in_schema
        for method in route.methods or ()
    }


def problems(*errors: type[ProposalError], statuses: Sequence[int] = ()) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of an endpoint: the errors that it can answer, with what HTTP adds to every one."""
    documented: dict[int, list[str]] = {}
    for error in errors:
        documented.setdefault(STATUS[error.kind], []).append(error.detail())
    for status in statuses:
        documented.setdefault(status, [])
    return {status: _documented(status, details) for status, details in sorted(documented.items())}


def _documented(status: int, details: Sequence[str]) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    described = "; ".join(f"`{detail}`" for detail in details)
    answer: dict[str, Any] = {
        "model": ExpiredOperationProblem if status == HTTPStatus.GONE else Problem,
        "description": f"{phrase}: {described}" if described else phrase,
    }
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        answer["headers"] = {
            "WWW-Authenticate": {
                "description": "With `PROPOSAL_AUTH_MODE=jwt`: which token would do (RFC 6750).",
                "schema": {"type": "string"},
            }
        }
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        answer["headers"] = {
            "Retry-After": {"description": "Seconds to wait before the next try.", "schema": {"type": "integer"}}
        }
    return answer

"""Every error as `application/problem+json` (RFC 9457): one table from kind to status, one handler a source."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.http.json import UnreadableBody
from api.http.methods import allow
from api.wire import (
    OPERATION_ID_EXAMPLE,
    PROPOSAL_ID_EXAMPLE,
    TIMESTAMP_EXAMPLE,
    OperationId,
    TerminalStatus,
    TimestampText,
)
from domain.access import EVERYBODY, Scope
from domain.errors import ActorMismatch, ErrorKind, InsufficientScope, OperationExpired, ProposalError
from domain.operation import OperationType

CLIENT_CLOSED_REQUEST: Final = 499  # nginx's number; the client is gone
PROBLEM_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = "2"
VALIDATION_FAILED: Final = "VALIDATION_FAILED"
REALM: Final = 'Bearer realm="proposals"'

STATUS: Final[Mapping[ErrorKind, HTTPStatus]] = {
    ErrorKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorKind.DISABLED: HTTPStatus.NOT_FOUND,
    ErrorKind.CONFLICT: HTTPStatus.CONFLICT,
    ErrorKind.CANCELLED: HTTPStatus.CONFLICT,
    ErrorKind.UNPROCESSABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorKind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorKind.GONE: HTTPStatus.GONE,
    ErrorKind.TIMED_OUT: HTTPStatus.GATEWAY_TIMEOUT,
    ErrorKind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorKind.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorKind.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class ValidationErrorItem(BaseModel):
    """One thing that is wrong with a request; never shows what was sent."""

    type: str = Field(description="Kind of error.", examples=["missing"])
    loc: list[str | int] = Field(
        description="Where: part of the request, then fields and indexes.", examples=[["body", "created_by"]]
    )
    msg: str = Field(description="What is wrong, for people.", examples=["Field required"])


class Problem(BaseModel):
    """An error. `code` is for programs, `detail` for people."""

    type: str = Field(description="Names the kind of problem.", examples=["urn:proposals:problem:proposal-not-found"])
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(description="`CODE` or `CODE: text`.", examples=["PROPOSAL_NOT_FOUND"])
    code: str = Field(
        description="The stable code: what `detail` begins with, else the status phrase.",
        examples=["PROPOSAL_NOT_FOUND"],
    )
    instance: str = Field(description="The path that was asked for.", examples=["/rebalance/proposals/pp_0"])
    correlation_id: str = Field(description="As in the X-Correlation-Id header.", examples=["corr_5f1d0c9a7be2"])


class ValidationProblem(Problem):
    """A request that is invalid; `detail` lists everything that is wrong with it."""

    detail: list[ValidationErrorItem] = Field(description="Each error once.")  # type: ignore[assignment]  # the contract
    code: str = Field(description="VALIDATION_FAILED.", examples=["VALIDATION_FAILED"])


class ExpiredOperation(BaseModel):
    """What remains of an operation that was purged."""

    operation_id: OperationId = Field(description="The operation.", examples=[OPERATION_ID_EXAMPLE])
    operation_type: OperationType = Field(
        description="The proposal or version that the request made.", examples=["CREATE_PROPOSAL"]
    )
    status: TerminalStatus = Field(description="The final status.", examples=["SUCCEEDED"])
    error_code: str | None = Field(
        description="Class of the failure; null if it SUCCEEDED.", examples=["ProposalValidationError"]
    )
    correlation_id: str = Field(
        description="The correlation id of the request that made the operation.", examples=["crm/case/4711"]
    )
    idempotency_key: str | None = Field(
        description="The idempotency key of the request.", examples=["7c1f4c8e-advice-2026-02-22"]
    )
    proposal_id: str | None = Field(description="The proposal that was made.", examples=[PROPOSAL_ID_EXAMPLE])
    version_no: int | None = Field(description="The version that was made.", examples=[1])
    created_at: TimestampText = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    finished_at: TimestampText = Field(description="When it ended, UTC.", examples=[TIMESTAMP_EXAMPLE])
    expired_at: TimestampText = Field(description="When it was purged, UTC.", examples=[TIMESTAMP_EXAMPLE])


class ExpiredOperationProblem(Problem):
    """An operation that is gone; the proposal that it made is not."""

    operation: ExpiredOperation = Field(description="What remains of the operation.")


class RequestRefused(Exception):
    """A request that HTTP itself rules out: too large, too slow, of a media type that is not taken or not offered."""

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
        scope, status=status, code=error.code, detail=error.message(), headers=headers, members=members
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
    listed = dict.fromkeys((error["type"], tuple(error["loc"]), error["msg"]) for error in errors)
    detail = [{"type": kind, "loc": place, "msg": message} for kind, place, message in listed]
    return problem_response(scope, status=422, code=VALIDATION_FAILED, detail=detail)


def internal_problem(scope: Mapping[str, Any]) -> Response:
    return problem_response(
        scope, status=500, code="INTERNAL_SERVER_ERROR", detail="An unexpected error; its cause is in the server's log."
    )


def challenge(error: str | None = None, description: str | None = None, scopes: Sequence[str] = ()) -> dict[str, str]:
    """`WWW-Authenticate` (RFC 6750, section 3); its parts are fixed words, so that none needs to be escaped."""
    parts = {"error": error, "error_description": description, "scope": " ".join(scopes)}
    given = [f'{name}="{text}"' for name, text in parts.items() if text]
    return {"WWW-Authenticate": ", ".join([REALM, *given])}


def challenge_of(scope: Mapping[str, Any], error: ProposalError) -> dict[str, str]:
    """The header of a 403, which names a scope where one would help; none without authentication."""
    if error.kind is not ErrorKind.FORBIDDEN or scope.get("state", {}).get("caller") in (None, EVERYBODY):
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
        headers = error.headers
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers = {"Allow": allow(app.router.routes, request.scope) or ""}
        return problem_response(
            request.scope,
            status=error.status_code,
            code=phrase.upper().replace(" ", "_").replace("-", "_"),
            detail=phrase,
            headers=headers,
        )

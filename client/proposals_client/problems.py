"""An error answer becomes the exception of its code, or of its status when the code is not known here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx2

from proposals_client import errors
from proposals_client.errors import Answered, ApiError, FieldError
from proposals_client.repeats import REPEATED_STATUSES, retry_after_seconds

BY_CODE: Final[Mapping[str, type[ApiError]]] = {
    "UNAUTHENTICATED": errors.Unauthenticated,
    "INSUFFICIENT_SCOPE": errors.InsufficientScope,
    "ACTOR_MISMATCH": errors.ActorMismatch,
    "FOUR_EYES_VIOLATION": errors.FourEyesViolation,
    "PROPOSAL_NOT_FOUND": errors.ProposalNotFound,
    "PROPOSAL_VERSION_NOT_FOUND": errors.VersionNotFound,
    "PROPOSAL_ASYNC_OPERATION_NOT_FOUND": errors.OperationNotFound,
    "PROPOSAL_IDEMPOTENCY_KEY_NOT_FOUND": errors.KeyNotFound,
    "CALLBACK_NOT_FOUND": errors.NoCallback,
    "OPERATION_HAS_NO_CALLBACK": errors.NoCallback,
    "PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED": errors.FeatureDisabled,
    "PROPOSAL_SUPPORT_APIS_DISABLED": errors.FeatureDisabled,
    "PROPOSAL_ASYNC_OPERATIONS_DISABLED": errors.FeatureDisabled,
    "IDEMPOTENCY_KEY_CONFLICT": errors.KeyConflict,
    "STATE_CONFLICT": errors.StateConflict,
    "VERSION_CONFLICT": errors.VersionConflict,
    "OPERATION_ALREADY_TERMINAL": errors.OperationEnded,
    "OPERATION_NOT_TERMINAL": errors.OperationNotEnded,
    "OPERATION_NOT_FAILED": errors.OperationNotFailed,
    "OPERATION_EXPIRED": errors.OperationExpired,
    "REQUEST_ENTITY_TOO_LARGE": errors.RequestTooLarge,
    "VALIDATION_FAILED": errors.ValidationFailed,
    "INVALID_TRANSITION": errors.InvalidTransition,
    "INVALID_APPROVAL_STATE": errors.InvalidApprovalState,
    "PROPOSAL_SIMULATION_DISABLED": errors.SimulationDisabled,
    "CALLBACK_URL_NOT_ALLOWED": errors.CallbackNotAllowed,
    "CALLBACKS_NOT_CONFIGURED": errors.CallbackNotAllowed,
    "OPERATION_TOO_EXPENSIVE": errors.TooExpensive,
}
BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    410: errors.Gone,
    413: errors.RequestTooLarge,
    422: errors.Refused,
    429: errors.RateLimited,
    503: errors.Unavailable,
}
LEADING_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]+(?=:|$)")


def api_error(answer: httpx2.Response, *, key: str | None) -> ApiError:
    """Of an answer with an error status; also of one that a proxy wrote."""
    status = answer.status_code
    problem = _problem(answer)
    detail = problem.get("detail")
    field_errors = _field_errors(problem)
    phrase = _phrase(status)
    code = problem.get("code") or _leading_code(detail) or phrase.upper().replace(" ", "_")
    title = problem.get("title")
    retryable = problem.get("retryable")
    answered = Answered(
        status=status,
        code=code,
        detail=detail if isinstance(detail, str) else code,
        what_to_do=title if title and title != phrase else None,
        retryable=retryable if isinstance(retryable, bool) else status in REPEATED_STATUSES,
        errors=field_errors,
        correlation_id=problem.get("correlation_id") or answer.headers.get("X-Correlation-Id"),
        retry_after=retry_after_seconds(answer),
        key=key,
        problem=problem,
    )
    by_status = BY_STATUS.get(status, errors.ServerError if answer.is_server_error else ApiError)
    return BY_CODE.get(code, by_status)(answered)


def _problem(answer: httpx2.Response) -> dict[str, Any]:
    try:
        problem = json.loads(answer.content)
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


def _leading_code(detail: object) -> str | None:
    found = LEADING_CODE.match(detail) if isinstance(detail, str) else None
    return found and found[0]


def _named_place(item: Mapping[str, Any]) -> str:
    """A JSON Pointer into the body, or the name of a parameter or header."""
    named = next((item[name] for name in ("pointer", "parameter", "header") if item.get(name)), "")
    return str(named).removeprefix("#") or "/"


def _field_errors(problem: Mapping[str, Any]) -> list[FieldError]:
    """From `errors`, or from the list in `detail` of a release that has no `errors`."""
    listed = problem.get("errors")
    if isinstance(listed, list):
        return [
            FieldError(
                place=_named_place(item),
                detail=item.get("detail", ""),
                code=item.get("code", ""),
            )
            for item in listed
            if isinstance(item, dict)
        ]
    detail = problem.get("detail")
    if not isinstance(detail, list):
        return []
    return [
        FieldError(place=_place(item["loc"]), detail=item["msg"], code=item["type"])
        for item in detail
        if isinstance(item, dict) and item.get("loc") and item.keys() >= {"msg", "type"}
    ]


def _place(loc: list[str | int]) -> str:
    """A JSON Pointer for what is in the body, else the name of the parameter or header."""
    where, *path = loc
    if where == "body":
        return "".join(f"/{part}" for part in path) or "/"
    return ".".join(map(str, path)) or str(where)

"""Requests that HTTP itself rules out: the codes, each with its status and what a person reads about it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

from domain.error_help import ErrorHelp, Repeat

VALIDATION_FAILED: Final = "VALIDATION_FAILED"
INTERNAL_SERVER_ERROR: Final = "INTERNAL_SERVER_ERROR"
UNAUTHENTICATED: Final = "UNAUTHENTICATED"


class HttpError(NamedTuple):
    status: HTTPStatus
    help: ErrorHelp


HTTP_ERRORS: Final[Mapping[str, HttpError]] = {
    "BAD_REQUEST": HttpError(
        HTTPStatus.BAD_REQUEST,
        ErrorHelp(
            title="The request is not HTTP as this service reads it.",
            meaning="Its head is malformed, or does not have exactly one valid `Host`. The connection ends.",
            action="Use an HTTP library, and send `Host` once.",
            repeat=Repeat.AFTER_A_CHANGE,
        ),
    ),
    UNAUTHENTICATED: HttpError(
        HTTPStatus.UNAUTHORIZED,
        ErrorHelp(
            title="The request has no valid access token.",
            meaning="The bearer token is missing, expired, or not for this service; `detail` has the reason. ID tokens "
            "are refused, too.",
            action="Get a new access token for this service, and send it as `Authorization: Bearer`. If a new token is "
            "refused as well, ask the operator of the service which issuer it trusts.",
            repeat=Repeat.AFTER_A_CHANGE,
        ),
    ),
    "NOT_FOUND": HttpError(
        HTTPStatus.NOT_FOUND,
        ErrorHelp(
            title="This service has no such address.",
            meaning="No endpoint has this path.",
            action="Compare the path with the OpenAPI document; there is no slash at its end.",
            repeat=Repeat.AFTER_A_CHANGE,
        ),
    ),
    "METHOD_NOT_ALLOWED": HttpError(
        HTTPStatus.METHOD_NOT_ALLOWED,
        ErrorHelp(
            title="This address does not take this method.",
            meaning="The header `Allow` lists the methods that it takes.",
            action="Use one of these methods.",
            repeat=Repeat.AFTER_A_CHANGE,
        ),
    ),
    "NOT_ACCEPTABLE": HttpError(
        HTTPStatus.NOT_ACCEPTABLE,
        ErrorHelp(
            title="The service does not offer this in a media type that the request accepts.",
            meaning="`detail` lists the media types on offer.",
            action="Name one of them in `Accept`, or leave the header out.",
            repeat=Repeat.AFTER_A_CHANGE,
        ),
    ),
    "REQUEST_TIMEOUT": HttpError(
        HTTPStatus.REQUEST_TIMEOUT,
        ErrorHelp(
            title="The body of the request did not arrive in time.",
            meaning="A body has 30 seconds to arrive, and comes at 1 kB/s at least. Nothing was accepted.",
            action="Send the same request again on a new connection.",
            repeat=Repeat.YES,
        ),
    ),
    "REQUEST_ENTITY_TOO_LARGE": HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ErrorHelp(
            title="The body of the request is too large.",
            meaning="A body has at most `PROPOSAL_MAX_BODY_BYTES`; `detail` has the number.",
            action="Send less, or ask the operator of the service to raise the limit.",
            repeat=Repeat.AFTER_A_CHANGE,
        ),
    ),
    "UNSUPPORTED_MEDIA_TYPE": HttpError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        ErrorHelp(
            title="The body of the request is not in a form that this service reads.",
            meaning="Bodies are JSON in UTF-8, and come without a `Content-Encoding`.",
            action="Send `Content-Type: application/json`, and do not compress the body.",
            repeat=Repeat.AFTER_A_CHANGE,
        ),
    ),
    VALIDATION_FAILED: HttpError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        ErrorHelp(
            title="The request has members, parameters or headers that are not valid.",
            meaning="`errors` lists each of them: its place (`pointer` into the body, `parameter` or `header`), "
            "`detail` for people, and `code` for programs. A member of a body that the endpoint does not know is an "
            "error only with `Prefer: handling=strict`; otherwise it is ignored.",
            action="Correct what `errors` lists.",
            repeat=Repeat.AFTER_A_CHANGE,
        ),
    ),
    "CORRELATION_ID_INVALID": HttpError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        ErrorHelp(
            title="The correlation id of the request is not valid.",
            meaning="`X-Correlation-Id` is one value of 1 to 128 characters of `A-Z a-z 0-9 . _ : / + = -`. The "
            "problem has a correlation id that the service made.",
            action="Send a valid value, or leave the header out.",
            repeat=Repeat.AFTER_A_CHANGE,
        ),
    ),
    "REQUEST_HEADER_FIELDS_TOO_LARGE": HttpError(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        ErrorHelp(
            title="The head of the request is too large.",
            meaning="Head, chunk sizes and trailers have at most 64 kB together, the head at most 256 fields. The "
            "connection ends.",
            action="Send fewer and shorter headers, and larger chunks.",
            repeat=Repeat.AFTER_A_CHANGE,
        ),
    ),
    INTERNAL_SERVER_ERROR: HttpError(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        ErrorHelp(
            title="Something went wrong in the service.",
            meaning="A fault in the service ended the request. A create may have been accepted all the same; repeating "
            "it with the same key gets its result.",
            action="Send the same request with the same key again. Operators find the cause in the log, by the "
            "correlation id.",
            repeat=Repeat.A_FEW_TIMES,
        ),
    ),
    "AUTHENTICATION_UNAVAILABLE": HttpError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        ErrorHelp(
            title="The service cannot check tokens at the moment.",
            meaning="The keys of the issuer cannot be fetched. The token was not judged, and nothing was accepted.",
            action="Send the same request again.",
            repeat=Repeat.YES,
        ),
    ),
    "HTTP_VERSION_NOT_SUPPORTED": HttpError(
        HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
        ErrorHelp(
            title="The service does not speak this version of HTTP.",
            meaning="It speaks HTTP/1.1 and HTTP/1.0. The connection ends.",
            action="Use one of these versions.",
            repeat=Repeat.AFTER_A_CHANGE,
        ),
    ),
}


class RequestRefused(Exception):
    """A request that HTTP itself rules out: too large, too slow, of a media type that is not taken or not offered."""

    def __init__(self, code: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = HTTP_ERRORS[code].status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})

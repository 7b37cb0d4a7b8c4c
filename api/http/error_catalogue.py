"""Every code that a client can see: statuses off the errors themselves, words off the entries beside them (R34)."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from api.http.http_errors import HTTP_ERRORS
from domain.error_help import HELP, ErrorHelp
from domain.errors import ErrorKind, error_classes
from domain.public_links import error_path, linked

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


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorEntry:
    """A code with its statuses, its words, and the classes that `error.code` of a FAILED operation can have with it."""

    code: str
    statuses: tuple[int, ...]
    help: ErrorHelp
    wire_classes: tuple[str, ...] = ()


def _entries() -> list[ErrorEntry]:
    of_code = defaultdict(list)
    for error in error_classes():
        of_code[error.code].append(error)
    of_domain = [
        ErrorEntry(
            code=code,
            statuses=tuple(sorted({STATUS[error.kind].value for error in of_code[code]})),
            help=words,
            wire_classes=tuple(sorted({error.wire_class for error in of_code[code]})) if words.ends_operations else (),
        )
        for code, words in HELP.items()
    ]
    of_http = [
        ErrorEntry(code=code, statuses=(error.status.value,), help=error.help) for code, error in HTTP_ERRORS.items()
    ]
    return [*of_domain, *of_http]


def type_of(code: str, *, public_url: str | None) -> str:
    """The code's place on the page of errors, where readers can reach it, else a name alone."""
    if public_url is None:
        return f"urn:proposals:problem:{code.lower().replace('_', '-')}"
    return linked(error_path(code), public_url=public_url)


# By status, then by code: the order of the page.
CATALOGUE: Final[Mapping[str, ErrorEntry]] = {
    entry.code: entry for entry in sorted(_entries(), key=lambda entry: (entry.statuses, entry.code))
}

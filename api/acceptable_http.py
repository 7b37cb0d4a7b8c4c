"""Whether a request is HTTP that this service speaks: which version, and for which host (RFC 9112, 2.3 and 3.2)."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.datastructures import Headers

from api.problems import RequestRefused

REFUSED: Final = "refused"  # in a scope's state: why the server below refuses what it could not even read
VERSIONS: Final = frozenset({"1.0", "1.1"})
HOST: Final = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


def refusal_of(scope: Mapping[str, Any]) -> RequestRefused | None:
    """Why nothing of the application answers this request."""
    refused: RequestRefused | None = scope["state"].get(REFUSED)
    if refused is not None:
        return refused
    if scope["http_version"] not in VERSIONS:
        return version_refused()
    hosts = Headers(raw=scope["headers"]).getlist("host")
    if len(hosts) != 1 or HOST.fullmatch(hosts[0].strip()) is None:
        return malformed("The header Host must be sent once, and be a host with or without a port.")
    return None


def malformed(detail: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", detail, headers={"Connection": "close"})


def version_refused() -> RequestRefused:
    return RequestRefused(
        HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
        "HTTP_VERSION_NOT_SUPPORTED",
        "This service speaks HTTP/1.1 and HTTP/1.0.",
        headers={"Connection": "close"},
    )

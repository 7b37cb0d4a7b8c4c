"""The headers that a client may add to its callback."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

MAX_HEADERS: Final = 10
MAX_NAME_LENGTH: Final = 256
MAX_VALUE_LENGTH: Final = 2_000
TWICE: Final = "A header can be added once: upper and lower case, `_` and `-` are alike"

NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")  # a token of RFC 9110
VALUE: Final = re.compile(r"[\t\x20-\x7e]{0,2000}")

# Headers that belong to this service, to HTTP itself or to a proxy; a client must not set them. CGI and WSGI read `_`
# in a name as `-`, so that names are compared with `-`.
RESERVED: Final = frozenset(
    {
        "accept-encoding",
        "alt-used",
        "client-ip",
        "connection",
        "date",
        "expect",
        "forwarded",
        "front-end-https",
        "host",
        "http2-settings",
        "keep-alive",
        "max-forwards",
        "remote-addr",
        "te",
        "trailer",
        "transfer-encoding",
        "true-client-ip",
        "upgrade",
        "user-agent",
        "via",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-forwarded",
        "x-host",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-real-ip",
        "x-scheme",
        "x-url-scheme",
    }
)
RESERVED_BEGINNINGS: Final = (
    "cf-",
    "content-",
    "proxy-",
    "webhook-",
    "x-envoy-",
    "x-forwarded-",
    "x-original-",
    "x-originating-",
    "x-proxy-",
    "x-remote-",
    "x-rewrite-",
)


def refused_headers(headers: Mapping[str, str]) -> str | None:
    """Why these headers are refused, without a name or value of them; None when they are accepted."""
    if len(headers) > MAX_HEADERS:
        return f"At most {MAX_HEADERS} headers can be added"
    if not all(NAME.fullmatch(name) for name in headers):
        return f"Header names must be tokens of RFC 9110 of at most {MAX_NAME_LENGTH} characters"
    if not all(VALUE.fullmatch(value) for value in headers.values()):
        return f"Header values must be printable ASCII of at most {MAX_VALUE_LENGTH:,} characters"
    names = [_folded(name) for name in headers]
    if any(_is_reserved(name) for name in names):
        return "A header that HTTP, a proxy or this service sets cannot be added, whether spelled with `_` or `-`"
    if len(set(names)) < len(names):
        return TWICE
    return None


def sendable_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The stored headers that are still accepted: an earlier release reserved fewer names."""
    kept: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        if not _is_reserved(folded := _folded(name)):
            kept.setdefault(folded, (name, value))
    return list(kept.values())


def _folded(name: str) -> str:
    return name.lower().replace("_", "-")


def _is_reserved(folded: str) -> bool:
    return folded in RESERVED or folded.startswith(RESERVED_BEGINNINGS)

"""Which headers a client may add to its callback."""

import re
from collections.abc import Mapping
from typing import Final

MAX_HEADERS: Final = 10
MAX_NAME_LENGTH: Final = 256
MAX_VALUE_LENGTH: Final = 2_000

NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")  # a token of RFC 9110
VALUE: Final = re.compile(r"[\t\x20-\x7e]{0,2000}")

# What this service, HTTP itself or a proxy on the way says; a client must not speak for them.
RESERVED: Final = frozenset(
    {
        "accept-encoding",
        "alt-used",
        "connection",
        "date",
        "expect",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "max-forwards",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "x-real-ip",
    }
)
RESERVED_BEGINNINGS: Final = ("content-", "proxy-", "webhook-", "x-forwarded-", "x-original-", "x-rewrite-")


def refused_headers(headers: Mapping[str, str]) -> str | None:
    """What is wrong with these headers, without a name or value of them; None when nothing is."""
    if len(headers) > MAX_HEADERS:
        return f"At most {MAX_HEADERS} headers can be added"
    if not all(NAME.fullmatch(name) for name in headers):
        return f"Header names must be tokens of RFC 9110 of at most {MAX_NAME_LENGTH} characters"
    if not all(VALUE.fullmatch(value) for value in headers.values()):
        return f"Header values must be printable ASCII of at most {MAX_VALUE_LENGTH:,} characters"
    names = [name.lower() for name in headers]
    if any(name in RESERVED or name.startswith(RESERVED_BEGINNINGS) for name in names):
        return "A reserved header cannot be added"
    if len(set(names)) < len(names):
        return "A header can be added once, upper and lower case alike"
    return None

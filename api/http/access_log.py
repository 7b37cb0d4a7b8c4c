"""One line in the log for each request under `/rebalance`, or for a path that could not be read: who called what, and
how it was answered.

It names the route, never the path, the query, a header or a body. Of the path it has the ids; an idempotency key in a
path is what others send as a header, and no id. Characters outside a plain alphabet are percent-encoded, so no value
can pass for another field or another line, in whatever format the log is written.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import structlog

from api.http.request_state import state_of
from domain.public_links import GUARDED_PREFIX

PLAIN: Final = re.compile(r"[A-Za-z0-9_.~@:/+|-]{0,255}")
PLAIN_MARKS: Final = "@:/+|"  # beside letters, digits and what `quote` leaves alone by itself
NUMBERS: Final = ("version_no", "run_no")
MAX_CHARACTERS: Final = 255  # before they are encoded

log = structlog.get_logger(__name__)


def log_access(scope: Mapping[str, Any], *, method: str, route: str, status: int | None, seconds: float) -> None:
    """`status` is None when the client disconnected before the answer began."""
    path: str = scope["path"]  # empty when the server below could not read it
    if path and not f"{path}/".startswith(GUARDED_PREFIX):
        return
    caller = state_of(scope).get("caller")
    log.info(
        "request",
        method=method,
        route=route,
        **dict(_ids(scope.get("path_params", {}))),
        status=status,
        duration_ms=round(seconds * 1000, 1),
        client=None if caller is None else _shown(caller.client),
        subject=None if caller is None else _shown(caller.actor),
    )


def _ids(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in parameters.items():
        if name.endswith("_id") or name in NUMBERS:
            yield name, _shown(str(value))


def _shown(text: str) -> str:
    if PLAIN.fullmatch(text) is not None:
        return text
    return quote(text[:MAX_CHARACTERS], safe=PLAIN_MARKS, errors="replace")

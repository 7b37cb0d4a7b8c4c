"""A request of this API as a value."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx2

from proposals_client.documents import encoded

if TYPE_CHECKING:
    from proposals_client.documents import Document

PREFIX: Final = "/rebalance/proposals"
JSON_OR_PROBLEM: Final = "application/json, application/problem+json"  # the second: errors as RFC 9457 has them
HTML_OR_PROBLEM: Final = "text/html, application/problem+json"
LINES_OR_PROBLEM: Final = "application/x-ndjson, application/problem+json"
Filter = str | bool | int | date | Sequence[str] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """`body` is the same bytes at each attempt. `held` is for how many seconds the service may hold the answer."""

    method: str
    path: str
    query: Mapping[str, Filter] = field(default_factory=dict)
    body: bytes | None = None
    key: str | None = None
    correlation_id: str | None = None
    accept: str = JSON_OR_PROBLEM
    is_safe_to_repeat: bool = True
    held: float = 0.0

    def headers(self) -> dict[bytes, bytes]:
        """Bytes: a key that is no ASCII is for the service to refuse."""
        given = {
            "Accept": self.accept,
            "Content-Type": None if self.body is None else "application/json",
            "Idempotency-Key": self.key,
            "X-Correlation-Id": self.correlation_id,
        }
        return {name.encode(): value.encode() for name, value in given.items() if value is not None}

    def parameters(self) -> httpx2.QueryParams | None:
        """None for none: an empty set would still make a `?`."""
        return (
            httpx2.QueryParams([(name, text) for name, value in self.query.items() for text in _texts(value)]) or None
        )


def get(path: str, **query: Filter) -> Call:
    return Call(method="GET", path=path, query=query)


def keyed_post(path: str, document: Document, *, key: str | None, correlation_id: str | None = None) -> Call:
    """A write that is done once however often it is sent; a key is made when none is given."""
    key = key or f"pc-{secrets.token_hex(16)}"
    return Call(method="POST", path=path, body=encoded(document), key=key, correlation_id=correlation_id)


def unkeyed_post(path: str, *, is_safe_to_repeat: bool) -> Call:
    return Call(method="POST", path=path, is_safe_to_repeat=is_safe_to_repeat)


def path_to(*parts: str | int) -> str:
    """Below the prefix; slashes and all else in a part are escaped."""
    return "/".join([PREFIX, *(quote(str(part), safe="") for part in parts)])


def _texts(value: Filter) -> list[str]:
    match value:
        case None:
            return []
        case str():
            return [value]
        case bool():
            return ["true" if value else "false"]
        case date():  # a datetime, too
            return [value.isoformat()]
        case Sequence():
            return list(value)
    return [str(value)]

"""The headers of the contract: how each is read, refused, written, and described in the OpenAPI document."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Header
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header, parse_etags

from api.http.http_errors import RequestRefused
from domain.operation import IdempotencyKey

MAX_WAIT_SECONDS: Final = 60.0

VISIBLE_ASCII: Final = re.compile(r"[\x21-\x7e]{1,255}")
QUOTED: Final = re.compile(r'"([^"]*)"')
CORRELATION_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
# RFC 7240, 2: a list of preferences, each a name with or without a value, and parameters of its own after `;`.
PREFERENCE: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*+"?)++')
NAME_AND_VALUE: Final = re.compile(r'\s*([^\s=;"]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]*)))?\s*(?:;.*)?')
WAIT_SECONDS: Final = re.compile(r"[0-9]{1,9}")
RESPOND_ASYNC: Final = "respond-async"
STRICT: Final = "handling=strict"
JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
HTML: Final = "text/html"
VARY: Final = {"Vary": "Accept"}


def parsed_idempotency_key(text: str) -> str:
    """The key without white space and quotes around it: `"abc"` and `abc` are one key."""
    trimmed = text.strip()
    quoted = QUOTED.fullmatch(trimmed)
    key = quoted.group(1) if quoted else trimmed
    if not VISIBLE_ASCII.fullmatch(key):
        raise PydanticCustomError(
            "idempotency_key_invalid", "Idempotency-Key must be one value of 1-255 visible ASCII characters"
        )
    return key


@dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """The client's preferences (RFC 7240); unknown ones are ignored."""

    respond_async: bool = False
    wait_seconds: float | None = None
    is_strict: bool = False

    @property
    def seconds(self) -> float | None:
        """How long to wait before answering 202; None for as long as the service does by itself."""
        if self.wait_seconds is None and self.respond_async:
            return 0.0
        return self.wait_seconds


NO_PREFERENCES: Final = Preferences()


def preferences(prefer: str | None) -> Preferences:
    """Of a preference that comes twice the first counts; its name is compared without case (RFC 7240, 2)."""
    if not prefer:
        return NO_PREFERENCES
    given: dict[str, str] = {}
    for preference in PREFERENCE.findall(prefer):
        if found := NAME_AND_VALUE.fullmatch(preference):
            name, quoted, plain = found.groups()
            given.setdefault(name.lower(), quoted or plain or "")
    wait = given.get("wait", "")
    return Preferences(
        respond_async=RESPOND_ASYNC in given,
        wait_seconds=float(wait) if WAIT_SECONDS.fullmatch(wait) else None,
        is_strict=given.get("handling", "").lower() == "strict",
    )


def is_current(tag: str, if_none_match: str | None) -> bool:
    """Whether the caller's `If-None-Match` names this tag; it compares weakly, as RFC 9110 (13.1.2) demands."""
    return parse_etags(if_none_match).contains_weak(tag.strip('"'))


def acceptable(accept: str, offered: Sequence[str]) -> str | None:
    """The best of what is offered. Parameters but the weight are passed over: clients name a charset of JSON."""
    ranges = [(media_range.partition(";")[0].strip(), weight) for media_range, weight in parse_accept_header(accept)]
    return MIMEAccept(ranges).best_match(offered)


def negotiated(accept: str | None, offered: Sequence[str]) -> str:
    """The media type to answer with, the first without the header. Raises RequestRefused (406)."""
    media_type = acceptable(accept or offered[0], offered)
    if media_type is None:
        raise RequestRefused("NOT_ACCEPTABLE", f"Offered are {' and '.join(offered)}.", headers=VARY)
    return media_type


def scoped_key(scope: str, proposal_id: str, key: str | None, *, client: str) -> IdempotencyKey | None:
    """An optional key of one proposal's endpoint."""
    return None if key is None else IdempotencyKey.of_endpoint(scope, proposal_id, key, client=client)


def replayed(*, is_replay: bool) -> dict[str, str]:
    return {"Idempotent-Replayed": "true"} if is_replay else {}


def where_to_poll(path: str) -> dict[str, str]:
    """The headers of every 202: where what was accepted is followed, under both of the names that pollers look for."""
    return {"Location": path, "Operation-Location": path}


def described_header(description: str, *, kind: str = "string") -> dict[str, Any]:
    """A header of an answer, as the OpenAPI document shows it."""
    return {"description": description, "schema": {"type": kind}}


LOCATION_HEADERS: Final = {
    "Location": described_header("Where to poll."),
    "Operation-Location": described_header("The same, for pollers that look for this name."),
}
REPLAYED_HEADER: Final = {
    "Idempotent-Replayed": described_header("`true` when an earlier request with this key made the answer.")
}
IdempotencyKeyHeader = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        description="A unique value for each business request. A repeat with the same key and body gets the first "
        "answer instead of doing the work again; another body with the same key is a 409. A FAILED operation releases "
        "its key at once; otherwise the key is free 90 days after the operation's end "
        "(`PROPOSAL_IDEMPOTENCY_RETENTION_DAYS`). 1-255 visible ASCII characters; a quoted string is the same key as "
        "its contents.",
        examples=["7c1f4c8e-advice-2026-02-22"],
    ),
    AfterValidator(parsed_idempotency_key),
]
OptionalIdempotencyKeyHeader = Annotated[
    Annotated[str, AfterValidator(parsed_idempotency_key)] | None,
    Header(
        alias="Idempotency-Key",
        description="Optional; names this request among those of this proposal and endpoint, with the same rules as "
        "for creates.",
        examples=["7c1f4c8e-advice-2026-02-22"],
    ),
]
# Read and checked by `api.http.request_context` for every endpoint; declared so that the OpenAPI document shows it.
CorrelationIdHeader = Annotated[
    str | None,
    Header(
        alias="X-Correlation-Id",
        description="Your own reference for this case: every answer repeats it, and operations are found by it. "
        "Several operations may share one. Operators see it in Temporal and in logs: put no personal data in it. 1-128 "
        "characters of `A-Z a-z 0-9 . _ : / + = -`; made here when absent.",
        examples=["crm/case/4711"],
    ),
]
PreferHeader = Annotated[
    str | None,
    Header(
        alias="Prefer",
        description="RFC 7240. `handling=strict` refuses a body with members that its endpoint does not know. Where an "
        "operation is waited for, `wait=SECONDS` holds the answer until it has ended, at most 60 seconds, and "
        "`respond-async` lets a synchronous endpoint answer 202 at once.",
        examples=["wait=20", "handling=strict"],
    ),
]
IfNoneMatchHeader = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        description="Entity tags that the caller has; the answer is 304 without a body while one of them is current.",
        examples=['"3f1c0a9be2d44c07"'],
    ),
]

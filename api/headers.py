"""The headers of the contract: how each is read and refused."""

import re
from typing import Annotated, Any, Final

from fastapi import Header
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

MAX_KEY_LENGTH: Final = 255
MAX_WAIT_SECONDS: Final = 60.0

VISIBLE_ASCII: Final = re.compile(r"[\x21-\x7e]{1,255}")
QUOTED: Final = re.compile(r'"([^"]*)"')
CORRELATION_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
PREFERRED_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?(?=$|[,;\s])", re.IGNORECASE)


def parsed_idempotency_key(text: str) -> str:
    """The key without white space and quotes around it: `"abc"` and `abc` are one key."""
    trimmed = text.strip()
    quoted = QUOTED.fullmatch(trimmed)
    key = quoted.group(1) if quoted else trimmed
    if not VISIBLE_ASCII.fullmatch(key):
        raise PydanticCustomError("idempotency_key_invalid", "Idempotency-Key must be 1-255 visible ASCII characters")
    return key


def preferred_wait(prefer: str | None) -> float | None:
    """Seconds of `Prefer: wait=N` (RFC 7240), None when it does not ask for a wait."""
    match = PREFERRED_WAIT.search(prefer or "")
    return None if match is None else float(match.group(1))


REPLAYED_HEADER: Final[dict[str, Any]] = {
    "Idempotent-Replayed": {
        "description": "`true` when an earlier request with this key made the answer.",
        "schema": {"type": "string"},
    }
}
IdempotencyKeyHeader = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        description="Names this request for good: the same key and the same body always mean the same operation. "
        "1-255 visible ASCII characters; a quoted string is the same key as its contents.",
        examples=["7c1f4c8e-advice-2026-02-22"],
    ),
    AfterValidator(parsed_idempotency_key),
]
# Read and checked by `api.request_context` for every endpoint; declared so that the OpenAPI document shows it.
CorrelationIdHeader = Annotated[
    str | None,
    Header(
        alias="X-Correlation-Id",
        description="Ties this request to the caller's own records; echoed in every answer, kept with the operation. "
        "1-128 characters of `A-Z a-z 0-9 . _ : / + = -`; made here when absent.",
        examples=["crm/case/4711"],
    ),
]
PreferHeader = Annotated[
    str | None,
    Header(
        alias="Prefer",
        description="RFC 7240: `wait=SECONDS` holds the answer until the operation has ended, at most 60 seconds.",
        examples=["wait=20"],
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

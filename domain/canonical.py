"""The two JSON texts of the service, wire and canonical, and the hashes over them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import to_json

Default = Callable[[Any], Any]  # makes a value JSON-ready


def wire_text(value: Any, *, default: Default | None = None) -> str:
    """Compact JSON in the order in which the value was built: what is stored and sent. Takes no floats."""
    if default is None:
        return to_json(value).decode()  # the same text as below, several times as fast
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, check_circular=False, default=default)


def canonical_text(value: Any, *, default: Default | None = None) -> str:
    """JSON with sorted keys, no white space and ASCII escapes: what is hashed."""
    return json.dumps(
        value, separators=(",", ":"), sort_keys=True, ensure_ascii=True, check_circular=False, default=default
    )


def canonical_object(members: Mapping[str, str]) -> str:
    """The canonical text of an object whose members are canonical texts already."""
    return "{" + ",".join(f"{canonical_text(name)}:{text}" for name, text in sorted(members.items())) + "}"


def sha256_of(text: str | bytes) -> str:
    """`sha256:` and 64 hex digits, of UTF-8."""
    return "sha256:" + hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def canonical_hash(value: Any) -> str:
    return sha256_of(canonical_text(value))

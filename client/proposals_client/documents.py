"""Requests as bytes, and answers as JSON objects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx2

from proposals_client.errors import FloatRefused, InvalidArgument, UnexpectedAnswer

if TYPE_CHECKING:
    from pydantic import BaseModel

    Document: TypeAlias = Mapping[str, Any] | BaseModel | bytes

Json = dict[str, Any]


def encoded(document: Document) -> bytes:
    """The JSON text; bytes stay as they are. Raises InvalidArgument, FloatRefused with the place of the first float."""
    if isinstance(document, bytes):
        return document
    if not isinstance(document, Mapping) and not hasattr(document, "model_dump"):
        raise InvalidArgument("a request is a mapping, a model or bytes: encode a text, or read the file as bytes")
    if not isinstance(document, Mapping):
        # Only what was set: the service's defaults are its own, and belong to no hash of this request.
        document = document.model_dump(mode="json", exclude_unset=True, by_alias=True)
    return json.dumps(_exact(document, ""), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _exact(value: Any, place: str) -> Any:
    match value:
        case float():
            raise FloatRefused(place)
        case Decimal():
            return str(value)
        case Mapping():
            return {name: _exact(member, f"{place}/{_escaped(name)}") for name, member in value.items()}
        case str() | bytes():
            return value
        case Sequence():
            return [_exact(item, f"{place}/{index}") for index, item in enumerate(value)]
    if hasattr(value, "model_dump"):
        return _exact(value.model_dump(mode="json", exclude_unset=True, by_alias=True), place)
    return value


def _escaped(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")  # RFC 6901


def json_object(answer: httpx2.Response, *members: str) -> Json:
    """Raises UnexpectedAnswer when it is no object, or has not these members."""
    try:
        document = json.loads(answer.content)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not document.keys() >= set(members):
        raise UnexpectedAnswer(f"the answer ({answer.status_code}) is not one of this service")
    return document

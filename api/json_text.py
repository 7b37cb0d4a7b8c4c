"""Answers put together from stored JSON texts: what was hashed is what is sent, without parsing it again."""

import json
from collections.abc import Mapping, Sequence

from fastapi import Response


class StoredJson(str):
    """JSON text that goes into an answer as it is."""

    __slots__ = ()


def json_text(value: object) -> str:
    """Compact JSON of a value in key order; StoredJson anywhere inside is taken over unchanged."""
    if isinstance(value, StoredJson):
        return value
    if isinstance(value, Mapping):
        members = (f"{json.dumps(name, ensure_ascii=False)}:{json_text(member)}" for name, member in value.items())
        return f"{{{','.join(members)}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{','.join(map(json_text, value))}]"
    return json.dumps(value, ensure_ascii=False)


def json_response(value: object, *, status_code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json_text(value), status_code=status_code, headers=headers, media_type="application/json")

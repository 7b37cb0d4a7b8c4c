"""Answers put together from stored JSON texts: what was hashed is what is sent, without parsing it again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from fastapi import Response
from starlette.types import Receive, Scope, Send

LARGE_CHARACTERS: Final = 1024 * 1024
CHUNK_CHARACTERS: Final = 128 * 1024


class StoredJson:
    """JSON text that goes into an answer as it is, in one piece or several."""

    __slots__ = ("parts",)

    def __init__(self, *parts: str) -> None:
        self.parts = parts


def json_parts(value: object) -> Iterator[str]:
    """Compact JSON of a value in key order, in pieces; those of StoredJson anywhere inside are taken over unchanged."""
    if isinstance(value, StoredJson):
        yield from value.parts
    elif isinstance(value, Mapping):
        yield "{"
        for place, (name, member) in enumerate(value.items()):
            yield f"{',' if place else ''}{json.dumps(name, ensure_ascii=False)}:"
            yield from json_parts(member)
        yield "}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield "["
        for place, member in enumerate(value):
            if place:
                yield ","
            yield from json_parts(member)
        yield "]"
    else:
        yield json.dumps(value, ensure_ascii=False)


def json_text(value: object) -> str:
    return "".join(json_parts(value))


def json_response(value: object, *, status_code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    parts = tuple(json_parts(value))
    if sum(map(len, parts)) <= LARGE_CHARACTERS:
        return Response("".join(parts), status_code=status_code, headers=headers, media_type="application/json")
    return _LargeAnswer(parts, status_code=status_code, headers=headers)


class _LargeAnswer(Response):
    """Encoded chunk by chunk while it is sent: documents that stand in it three times are in memory once."""

    media_type = "application/json"

    def __init__(self, parts: tuple[str, ...], *, status_code: int, headers: Mapping[str, str] | None) -> None:
        self._parts = parts
        length = str(sum(map(len, self._chunks())))
        super().__init__(status_code=status_code, headers={**(headers or {}), "Content-Length": length})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- of ASGI
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for chunk in self._chunks():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _chunks(self) -> Iterator[bytes]:
        for part in self._parts:
            for start in range(0, len(part), CHUNK_CHARACTERS):
                yield part[start : start + CHUNK_CHARACTERS].encode()

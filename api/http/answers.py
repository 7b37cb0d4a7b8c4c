"""Answers on their way out: with an entity tag, in one piece or chunk by chunk, until their client has gone."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Final

from fastapi import Response
from starlette.types import Receive, Scope, Send

from api.http.headers import is_current
from services.documents import LARGE_BYTES
from services.race import race

CHUNK_BYTES: Final = 128 * 1024
ONLY_HEAD: Final = "only_head"  # in a scope: HEAD, which asks for nothing after the head

Piece = bytes | memoryview


def response_of(
    parts: Sequence[Piece], media_type: str, *, status_code: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A response of these pieces, which are put together only when they are small."""
    if sum(map(len, parts)) <= LARGE_BYTES:
        return Response(b"".join(parts), status_code=status_code, headers=headers, media_type=media_type)
    return _LargeAnswer(parts, media_type, status_code=status_code, headers=headers)


def not_modified(headers: Mapping[str, str], if_none_match: str | None) -> Response | None:
    """304 without a body, if the client's copy has the entity tag of these headers."""
    if is_current(headers["ETag"], if_none_match):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return None


class _LargeAnswer(Response):
    """Sent chunk by chunk: documents that stand in it three times are in memory once."""

    def __init__(
        self, parts: Sequence[Piece], media_type: str, *, status_code: int, headers: Mapping[str, str] | None
    ) -> None:
        self._parts = parts
        length = str(sum(map(len, parts)))
        super().__init__(
            status_code=status_code, headers={**(headers or {}), "Content-Length": length}, media_type=media_type
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- of ASGI
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for chunk in self._chunks():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await asyncio.sleep(0)  # a fast reader would otherwise keep this from yielding
        await send({"type": "http.response.body", "body": b""})

    def _chunks(self) -> Iterator[bytes]:
        chunk = bytearray()
        for part in self._parts:
            for start in range(0, len(part), CHUNK_BYTES):
                chunk += memoryview(part)[start : start + CHUNK_BYTES]
                if len(chunk) >= CHUNK_BYTES:
                    yield bytes(chunk)
                    chunk.clear()
        yield bytes(chunk)


class StreamedAnswer(Response):
    """Pieces that are read when the one before has been sent; their length is unknown, so it goes out in chunks.

    A client that leaves ends it, and so does an error: the answer then lacks its end, which the client sees.
    """

    def __init__(self, pieces: AsyncIterator[bytes], media_type: str, *, headers: Mapping[str, str]) -> None:
        self._pieces = pieces
        super().__init__(headers=dict(headers), media_type=media_type)
        del self.headers["Content-Length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if not scope.get(ONLY_HEAD):
            await race(self._send_pieces(send), until_gone(receive))
        await send({"type": "http.response.body", "body": b""})

    async def _send_pieces(self, send: Send) -> None:
        async for piece in self._pieces:
            for start in range(0, len(piece), CHUNK_BYTES):
                body = piece[start : start + CHUNK_BYTES]
                await send({"type": "http.response.body", "body": body, "more_body": True})
                await asyncio.sleep(0)


async def until_gone(receive: Receive) -> None:
    """Returns when the client has disconnected; the body of its request has been read by then."""
    while (await receive())["type"] != "http.disconnect":
        pass

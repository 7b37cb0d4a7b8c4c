"""Large answers as the caller's `Accept-Encoding` allows: zstd or gzip, chunk by chunk, beside the event loop (R32)."""

import asyncio
import zlib
from functools import lru_cache
from http import HTTPStatus
from typing import Final, Protocol

import zstandard
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.http import parse_accept_header

LEAST_BYTES: Final = 16 * 1024
LARGE: Final = LEAST_BYTES + 1  # what comes without a length is streamed
LEVEL: Final = 1  # the fastest of both: what a higher one saves of these texts costs more than it saves
GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
COMPRESSIBLE: Final = (
    "text/",
    "application/json",
    "application/x-ndjson",
    "application/problem+json",
    "application/javascript",
    "image/svg",
)


class Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


# In the order of preference. Each response has an object of its own; none may be shared.
def _zstd() -> Compressor:
    return zstandard.ZstdCompressor(level=LEVEL).compressobj()


def _gzip() -> Compressor:
    return zlib.compressobj(LEVEL, wbits=GZIP_FORMAT)


CODINGS: Final = {"zstd": _zstd, "gzip": _gzip}


@lru_cache(maxsize=64)
def coding_of(accept_encoding: str) -> str | None:
    """The content coding that the caller likes best, ours first among equals; None for the text as it is."""
    accepted = parse_accept_header(accept_encoding)
    best = max(CODINGS, key=accepted.quality)  # the first of several
    weight = accepted.quality(best)
    return best if weight > 0 and weight >= accepted.quality("identity") else None


class Compression:
    """Middleware: compresses what has more than 16 kB, and says of everything that could be what it depends on.

    A client of HTTP/1.0 gets the text as it is: the length is unknown at the beginning, and HTTP/1.0 has no chunks.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        coding = coding_of(asked.get("accept-encoding", "")) if scope["http_version"] != "1.0" else None
        answer = _Answer(send, coding, if_none_match=asked.get("if-none-match", ""), is_head=scope["method"] == "HEAD")
        await self._app(scope, receive, answer.send)


class _Answer:
    """One answer on its way out."""

    def __init__(self, send: Send, coding: str | None, *, if_none_match: str, is_head: bool) -> None:
        self._send = send
        self._coding = coding
        self._if_none_match = if_none_match
        self._is_head = is_head
        self._compressor: Compressor | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begin(MutableHeaders(scope=message), message["status"])
        elif message["type"] == "http.response.body" and self._compressor is not None:
            message = await asyncio.to_thread(_compressed, self._compressor, message)
            if message["more_body"] and not message["body"]:
                return
        await self._send(message)

    def _begin(self, headers: MutableHeaders, status: int) -> None:
        if status == HTTPStatus.NOT_MODIFIED:
            headers.add_vary_header("Accept-Encoding")
            # As the caller has it: an answer that was compressed has a weak tag.
            if f"W/{headers.get('etag')}" in self._if_none_match:
                _weaken(headers)
            return
        if "content-encoding" in headers or not headers.get("content-type", "").startswith(COMPRESSIBLE):
            return
        headers.add_vary_header("Accept-Encoding")
        # A part of an answer (206) is one of its bytes as they are.
        if (
            self._coding is None
            or "content-range" in headers
            or int(headers.get("content-length", LARGE)) <= LEAST_BYTES
        ):
            return
        headers["Content-Encoding"] = self._coding
        del headers["Content-Length"]  # known at the end
        _weaken(headers)
        if not self._is_head:
            self._compressor = CODINGS[self._coding]()


def _weaken(headers: MutableHeaders) -> None:
    """Other bytes with the same contents: the tag stays, and is no longer one of bytes (RFC 9110, 8.8.1)."""
    tag = headers.get("etag")
    if tag is not None and not tag.startswith("W/"):
        headers["ETag"] = f"W/{tag}"


def _compressed(compressor: Compressor, message: Message) -> Message:
    is_last = not message.get("more_body", False)
    body = compressor.compress(message.get("body", b""))
    return {**message, "body": body + compressor.flush() if is_last else body, "more_body": not is_last}

"""The one door for request bodies: received within limits, then read (`reading`) here or in a process of its own."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from email.message import Message
from functools import lru_cache, partial
from typing import Final

from fastapi import Request
from pydantic import BaseModel

from api.http.http_errors import RequestRefused
from api.http.limits import LARGE_BODY_BYTES, KeyedLimiter, Reservation, UnreadBodies
from api.http.reading import ReadBody, read_body
from domain.access import LOCAL_CALLER, Caller
from domain.batch.request import AnalyzeRequest
from domain.errors import ServerBusy
from services.prepared_batch import BatchLimits
from services.process_pool import ProcessPool

RECEIVE_SECONDS: Final = 30.0
PACE_SECONDS: Final = 5.0
PACE_BYTES: Final = 5_000  # in every such time; a sender that is slower than 1 kB/s only holds its place
DISCARDED_LIMITS: Final = 4  # a body of up to so many times the limit is read, and thrown away
# Aliases of UTF-8 and of its part ASCII, without `-` and `_`. Not `codecs.lookup`, which keeps every unknown name.
UTF_8: Final = frozenset({"utf8", "csutf8", "unicode11utf8", "unicode20utf8", "xunicode20utf8", "usascii", "ascii"})
AT_ONCE_BYTES: Final = 16 * 1024  # read within two milliseconds; a thread for more lets other requests in between
READ_AT_ONCE: Final = 2
SLOT_WAIT_SECONDS: Final = 20.0


class BodyReader:
    """Receives the bodies of a process, and reads the large ones in the pool, a few at a time.

    Parsing a large body holds the interpreter's lock for a second, and takes a hundred bytes of memory for one of the
    body; in this process all other requests would wait for that.
    """

    def __init__(
        self, pool: ProcessPool, *, max_bytes: int, max_rows: int, batches: BatchLimits, is_strict: bool
    ) -> None:
        self.unread = UnreadBodies()
        self._keys = KeyedLimiter()
        self._pool = pool
        self._max_bytes = max_bytes
        self._read_body = partial(read_body, max_rows=max_rows, batches=batches)
        self._is_strict = is_strict
        self._slots = asyncio.Semaphore(READ_AT_ONCE)

    async def read(
        self, request: Request, model: type[BaseModel], *, caller: Caller, turn: AsyncExitStack, is_strict: bool
    ) -> ReadBody:
        """The body, received once its key has a slot: until then it takes no room from others.

        The slot is held by `turn`. `is_strict` refuses unknown members, as the settings may do for all requests.
        Raises RequestRefused (415, 413, 408), ServerBusy, UnreadableBody, OperationTooExpensive.
        """
        _require_json(request)
        if key := request.headers.get("idempotency-key"):
            await turn.enter_async_context(self._keys.slot(request.headers.get("authorization", ""), key))
        with self.unread.reserved(None if caller is LOCAL_CALLER else caller.client) as reservation:
            declared = _declared_bytes(request)
            if declared > self._max_bytes and request.headers.get("expect"):
                raise _too_large(self._max_bytes)  # before the client sends it
            reservation.require(min(declared, self._max_bytes))
            body = await _received(request, self._max_bytes, reservation)
            read = partial(self._read_body, body, model, is_strict=is_strict or self._is_strict)
            is_batch = issubclass(model, AnalyzeRequest)  # a few bytes can be thousands of runs
            if len(body) > (AT_ONCE_BYTES if is_batch else LARGE_BODY_BYTES):
                return await self._read_large(read)
            if is_batch or len(body) > AT_ONCE_BYTES:
                return await asyncio.to_thread(read)
            return read()

    async def _read_large(self, read: Callable[[], ReadBody]) -> ReadBody:
        try:
            async with asyncio.timeout(SLOT_WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise ServerBusy("too many large request bodies are being read") from None
        try:
            return await self._pool.run(read)
        finally:
            self._slots.release()


@lru_cache(maxsize=64)
def _is_json(content_type: str) -> bool:
    parsed = Message()
    parsed["content-type"] = content_type
    subtype = parsed.get_content_subtype()
    is_json = parsed.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))
    return is_json and parsed.get_content_charset("utf-8").replace("-", "").replace("_", "") in UTF_8


def _require_json(request: Request) -> None:
    if not _is_json(request.headers.get("content-type", "")):
        raise RequestRefused(
            "UNSUPPORTED_MEDIA_TYPE",
            "The body must be application/json in UTF-8.",
            headers={"Accept": "application/json"},
        )
    codings = request.headers.get("content-encoding", "").lower().split(",")
    if not {coding.strip() for coding in codings} <= {"", "identity"}:
        raise RequestRefused(
            "UNSUPPORTED_MEDIA_TYPE",
            "The body must be sent without a Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )


async def _received(request: Request, limit: int, reservation: Reservation) -> bytes:
    try:
        async with asyncio.timeout(RECEIVE_SECONDS):
            return await _receive(request, limit, reservation)
    except TimeoutError:
        raise RequestRefused(
            "REQUEST_TIMEOUT",
            f"The body was not received within {RECEIVE_SECONDS:.0f} seconds, or came slower than "
            f"{PACE_BYTES / PACE_SECONDS:.0f} bytes a second.",
            headers={"Connection": "close"},
        ) from None


async def _receive(request: Request, limit: int, reservation: Reservation) -> bytes:
    """Reads a body that is too large to its end, too, up to a point: a client that still sends misses the answer."""
    kept = bytearray()
    received = in_time = 0
    async with asyncio.timeout(PACE_SECONDS) as pace:
        async for chunk in request.stream():
            received += len(chunk)
            if received - in_time >= PACE_BYTES:
                in_time = received
                pace.reschedule(asyncio.get_running_loop().time() + PACE_SECONDS)
            if received <= limit:
                reservation.cover(received)
                kept += chunk
            else:
                kept.clear()
                reservation.give_back()
            if received > limit * DISCARDED_LIMITS:
                break
    if received > limit:
        raise _too_large(limit)
    return bytes(kept)


def _declared_bytes(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isdecimal() else 0


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused(
        "REQUEST_ENTITY_TOO_LARGE",
        f"The body is larger than {limit} bytes.",
        headers={"Connection": "close"},
    )

"""Receiving a body: of which type, how large, how long, and how many of them at a time; then it is read."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from email.message import Message
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.large_bodies import LARGE_BODY_BYTES, LargeBodies, server_busy
from api.problems import RequestRefused
from api.reading import parse_request
from api.turns import Turns

RECEIVE_SECONDS: Final = 30.0
MAX_UNREAD_BYTES: Final = 64 * 1024 * 1024
ROOM_FOR_SMALL_BYTES: Final = 8 * 1024 * 1024  # of that; large bodies that never come keep nobody else out
DISCARDED_LIMITS: Final = 4  # a body of up to so many times the limit is read, and thrown away


class UnreadBodies:
    """How many bytes of bodies this process has promised to hold and has not read yet."""

    def __init__(self) -> None:
        self._bytes = 0

    @property
    def size(self) -> int:
        """Bytes, at the moment."""
        return self._bytes

    @contextmanager
    def reserved(self, size: int) -> Iterator["Reservation"]:
        """Room for a body of the declared size, given back afterwards. Raises RequestRefused (503 SERVER_BUSY)."""
        reservation = Reservation(self)
        try:
            reservation.cover(size)
            yield reservation
        finally:
            self._bytes -= reservation.size

    def take(self, size: int, *, held: int) -> None:
        """`size` more bytes for a body that holds some already; one that is alone may be as large as the limit."""
        others = self._bytes - held
        room = MAX_UNREAD_BYTES if held + size <= LARGE_BODY_BYTES else MAX_UNREAD_BYTES - ROOM_FOR_SMALL_BYTES
        if others and self._bytes + size > room:
            raise server_busy("too many request bodies are being received")
        self._bytes += size


class Reservation:
    """The room of one body; one that did not declare its size takes it as it comes."""

    def __init__(self, bodies: UnreadBodies) -> None:
        self._bodies = bodies
        self.size = 0

    def cover(self, size: int) -> None:
        if size > self.size:
            self._bodies.take(size - self.size, held=self.size)
            self.size = size


class JsonBodyRoute(APIRoute):
    """A route whose body is read and parsed here; FastAPI then validates what came out."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        model = self.body_field.field_info.annotation

        async def read_then_handle(request: Request) -> Response:
            _require_json(request)
            async with AsyncExitStack() as turn:
                request.state.turn = turn  # to be closed early by who waits for more than an answer of the database
                return await handle(await _read(request, model, turn))

        return read_then_handle


class JsonRequest(Request):
    """A request whose body is received and parsed: FastAPI would answer 400 to what goes wrong while it parses."""

    def __init__(self, request: Request, parsed: Any, *, is_empty: bool) -> None:
        super().__init__(request.scope, request.receive)
        self._body = b"" if is_empty else b"{}"  # FastAPI asks for the value only when there are bytes
        self._parsed = parsed

    async def json(self) -> Any:
        return self._parsed


def _require_json(request: Request) -> None:
    content_type = Message()
    content_type["content-type"] = request.headers.get("content-type", "")
    subtype = content_type.get_content_subtype()
    is_json = content_type.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))
    charset = content_type.get_content_charset("utf-8")
    if not is_json or charset not in ("utf-8", "us-ascii"):
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "The body must be application/json in UTF-8.",
            headers={"Accept": "application/json"},
        )


async def _read(request: Request, model: Any, turn: AsyncExitStack) -> JsonRequest:
    """The request with its body, once it is its key's turn.

    Raises RequestRefused: 413, 408, or 503 SERVER_BUSY before anything of the body is read.
    """
    limit: int = request.app.state.max_body_bytes
    unread: UnreadBodies = request.app.state.unread_bodies
    declared = request.headers.get("content-length", "")
    expected = min(int(declared), limit) if declared.isdecimal() else 0
    with unread.reserved(expected) as reservation:
        body = await _received(request, limit, reservation)
        if key := request.headers.get("idempotency-key"):
            turns: Turns = request.app.state.turns
            await turn.enter_async_context(turns.of(request.headers.get("authorization", ""), key))
        if len(body) <= LARGE_BODY_BYTES or not issubclass(model, BaseModel):
            max_rows: int = request.app.state.max_request_rows
            value = parse_request(body, model, max_rows=max_rows) if body else None
            return JsonRequest(request, value, is_empty=not body)
        large_bodies: LargeBodies = request.state.large_bodies
        return JsonRequest(request, await large_bodies.read(body, model), is_empty=False)


async def _received(request: Request, limit: int, reservation: Reservation) -> bytes:
    try:
        async with asyncio.timeout(RECEIVE_SECONDS):
            return await _receive(request, limit, reservation)
    except TimeoutError:
        raise RequestRefused(
            HTTPStatus.REQUEST_TIMEOUT,
            "REQUEST_TIMEOUT",
            f"The body was not received within {RECEIVE_SECONDS:.0f} seconds.",
            headers={"Connection": "close"},
        ) from None


async def _receive(request: Request, limit: int, reservation: Reservation) -> bytes:
    """Reads a body that is too large to its end, too, up to a point: a client that still sends misses the answer."""
    kept = bytearray()
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received <= limit:
            reservation.cover(received)
            kept += chunk
        else:
            kept.clear()
        if received > limit * DISCARDED_LIMITS:
            break
    if received > limit:
        raise _too_large(limit)
    return bytes(kept)


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "REQUEST_ENTITY_TOO_LARGE",
        f"The body is larger than {limit} bytes.",
        headers={"Connection": "close"},
    )

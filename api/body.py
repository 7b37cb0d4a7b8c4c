"""Receiving a body: of which type, how large, how fast, in its key's turn, while there is room; then it is read."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from email.message import Message
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.body_room import Reservation, UnreadBodies
from api.large_bodies import LARGE_BODY_BYTES, LargeBodies
from api.problems import RequestRefused
from api.reading import parse_request
from api.turns import Turns
from domain.access import EVERYBODY, Caller

RECEIVE_SECONDS: Final = 30.0
PACE_SECONDS: Final = 5.0
PACE_BYTES: Final = 5_000  # in every such time; a sender that is slower than 1 kB/s only holds its place
DISCARDED_LIMITS: Final = 4  # a body of up to so many times the limit is read, and thrown away


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
    """The request with its body, received once it is its key's turn: until then it takes no room from others.

    Raises RequestRefused: 413, 408, or 503 SERVER_BUSY.
    """
    limit: int = request.app.state.max_body_bytes
    unread: UnreadBodies = request.app.state.unread_bodies
    if key := request.headers.get("idempotency-key"):
        turns: Turns = request.app.state.turns
        await turn.enter_async_context(turns.of(request.headers.get("authorization", ""), key))
    with unread.reserved(_client_of(request)) as reservation:
        declared = request.headers.get("content-length", "")
        reservation.require(min(int(declared), limit) if declared.isdecimal() else 0)
        body = await _received(request, limit, reservation)
        if len(body) <= LARGE_BODY_BYTES or not issubclass(model, BaseModel):
            max_rows: int = request.app.state.max_request_rows
            value = parse_request(body, model, max_rows=max_rows) if body else None
            return JsonRequest(request, value, is_empty=not body)
        large_bodies: LargeBodies = request.state.large_bodies
        return JsonRequest(request, await large_bodies.read(body, model), is_empty=False)


def _client_of(request: Request) -> str | None:
    """The token's client, None where nobody is asked for a token."""
    caller: Caller = request.state.caller
    return None if caller is EVERYBODY else caller.client


async def _received(request: Request, limit: int, reservation: Reservation) -> bytes:
    try:
        async with asyncio.timeout(RECEIVE_SECONDS):
            return await _receive(request, limit, reservation)
    except TimeoutError:
        raise RequestRefused(
            HTTPStatus.REQUEST_TIMEOUT,
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


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "REQUEST_ENTITY_TOO_LARGE",
        f"The body is larger than {limit} bytes.",
        headers={"Connection": "close"},
    )

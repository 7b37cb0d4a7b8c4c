"""The one door for request bodies: received within limits, read here or in a process of its own, then prepared.

The result is a `PreparedRequest` (for a review the body's model), or the list of its errors.
"""

import asyncio
import codecs
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from email.message import Message
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel, ValidationError

from api.http.json import Error, UnreadableBody, parse_json
from api.http.limits import LARGE_BODY_BYTES, KeyedLimiter, Reservation, UnreadBodies, server_busy, too_long
from api.http.problems import RequestRefused
from domain.access import LOCAL_CALLER, Caller
from domain.batch.parts import PartError
from domain.batch.request import AnalyzeRequest
from domain.callback import CallbackSubscription
from domain.engine.validate import refusals
from domain.places import shown_place
from domain.portfolio import RequestPart
from domain.request import CreateRequest, SimulateRequest, VersionRequest
from domain.row_errors import MAX_ERRORS
from domain.unknown_names import unknown_member, unknown_members
from services.prepared_batch import BatchLimits, prepared_batch, too_many_runs
from services.prepared_request import PreparedRequest
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

Submission = CreateRequest | VersionRequest | SimulateRequest
ReadBody = PreparedRequest | BaseModel | list[Error]


class CallbackBody(RequestPart):
    """A body that may ask for a callback; `api.callbacks` has the member."""

    @abstractmethod
    def callback_subscription(self) -> CallbackSubscription | None:
        """What the body asks for, as services take it."""


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
        Raises RequestRefused (415, 413, 408, or 503 SERVER_BUSY), UnreadableBody, OperationTooExpensive.
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
            raise server_busy("too many large request bodies are being read") from None
        try:
            return await self._pool.run(read)
        finally:
            self._slots.release()


def read_body(body: bytes, model: type[BaseModel], *, max_rows: int, batches: BatchLimits, is_strict: bool) -> ReadBody:
    """From a body's bytes to what is done with it, wherever that happens. Raises UnreadableBody."""
    try:
        read = _read(body, model, max_rows, batches, is_strict=is_strict)
    except UnreadableBody as refused:
        raise UnreadableBody(_without_client_keys(refused.errors, model)) from None
    return _without_client_keys(read, model) if isinstance(read, list) else read


def _read(body: bytes, model: type[BaseModel], max_rows: int, batches: BatchLimits, *, is_strict: bool) -> ReadBody:
    body = body.removeprefix(codecs.BOM_UTF8)
    if not body:
        return [_missing()]
    value, has_long_integers = parse_json(body)
    place: tuple[str, ...] = _place_of(model)
    if issubclass(model, Submission | AnalyzeRequest) and (
        excess := too_long(value, place=place, max_rows=max_rows, body_bytes=len(body))
    ):
        raise UnreadableBody(excess)
    if value is None:
        return [_missing()]
    if issubclass(model, AnalyzeRequest) and (runs := _too_many_runs(value, batches)):
        raise UnreadableBody(runs)
    unknown = [_in_body(error) for error in unknown_members(value, model)] if is_strict else []
    try:
        # As FastAPI validates, so in its words.
        request = model.model_validate(value, from_attributes=True, context={"max_rows": max_rows})
    except ValidationError as refused:
        return [*_errors_of(refused, model, skips_unknown=is_strict), *unknown][:MAX_ERRORS]
    callback = request.callback_subscription() if isinstance(request, CallbackBody) else None
    errors = unknown + ([_long_integer()] if has_long_integers else [])
    if isinstance(request, AnalyzeRequest):
        return errors or _batch(prepared_batch(request, value, batches, callback=callback))
    if not isinstance(request, Submission):
        return errors or request
    simulated = request if isinstance(request, SimulateRequest) else request.simulate_request
    # Contradicting rows are refused only when nothing else is wrong (engine.md, D9 and D10).
    errors += [
        {"type": "value_error", "loc": ("body", *place, *refusal.loc), "msg": refusal.message}
        for refusal in refusals(simulated)
    ]
    return errors or PreparedRequest.of(request, callback=callback)


def _errors_of(refused: ValidationError, model: type[BaseModel], *, skips_unknown: bool) -> Iterator[Error]:
    for error in refused.errors(include_url=False, include_context=False, include_input=False):
        if error["type"] != "extra_forbidden":
            yield _in_body({**error})
        elif not skips_unknown:
            yield _in_body(unknown_member(error["loc"], model))


def _in_body(error: Error) -> Error:
    return {**error, "loc": ("body", *error["loc"])}


def _place_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Where in a body of this model the lists are that are counted before it is validated."""
    if issubclass(model, AnalyzeRequest):
        return ("shared",)  # items and scenarios are judged one by one
    return () if issubclass(model, SimulateRequest) else ("simulate_request",)


def _too_many_runs(value: Any, limits: BatchLimits) -> list[Error]:
    items, scenarios = (value.get(name) if isinstance(value, dict) else None for name in ("items", "scenarios"))
    count = len(items) if isinstance(items, list) else 0
    excess = too_many_runs(count, len(scenarios) if isinstance(scenarios, dict) else 1, limits)
    return [] if excess is None else [_of_part(excess)]


def _of_part(error: PartError) -> Error:
    return {"type": error.type, "loc": ("body", *error.loc), "msg": error.msg}


def _batch(prepared: PreparedRequest | PartError) -> ReadBody:
    if isinstance(prepared, PartError):
        return [_of_part(prepared)]
    return prepared


def _long_integer() -> Error:
    message = "JSON integers outside decimals have at most 18 digits"
    return {"type": "json_invalid", "loc": ("body",), "msg": message}


def _missing() -> Error:
    return {"type": "missing", "loc": ("body",), "msg": "Field required"}


def _without_client_keys(errors: Sequence[Error], model: type[BaseModel]) -> list[Error]:
    """Places end before the first name that is no field: the keys of free maps are values of the request.

    An unknown member is no field, and its own refusal has judged whether its name is shown.
    """
    return [
        error
        if error["type"] == "extra_forbidden"
        else {**error, "loc": ("body", *shown_place(error["loc"][1:], model))}
        for error in errors
    ]


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
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "The body must be application/json in UTF-8.",
            headers={"Accept": "application/json"},
        )
    codings = request.headers.get("content-encoding", "").lower().split(",")
    if not {coding.strip() for coding in codings} <= {"", "identity"}:
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
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


def _declared_bytes(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isdecimal() else 0


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "REQUEST_ENTITY_TOO_LARGE",
        f"The body is larger than {limit} bytes.",
        headers={"Connection": "close"},
    )

"""From a body's bytes to what is done with it: a `PreparedRequest` (for a review the body's model), or its errors.

Large bodies are read in processes of the engine, which import what is imported here: no FastAPI, and none of Temporal.
"""

import codecs
from collections.abc import Iterator, Sequence
from math import inf
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from api.http.json import Error, UnreadableBody, parse_json
from api.requests import WithCallback
from domain.batch.parts import PartError
from domain.batch.request import AnalyzeRequest
from domain.engine.validate import refusals
from domain.places import Place, shown_place
from domain.request import CreateRequest, SimulateRequest, VersionRequest
from domain.request_size import excess_of
from domain.row_errors import MAX_ERRORS
from domain.unknown_names import UNKNOWN_MEMBER, unknown_member, unknown_members
from services.prepared_batch import BatchLimits, prepared_batch, too_many_runs
from services.prepared_request import PreparedRequest

Submission = CreateRequest | VersionRequest | SimulateRequest
ReadBody = PreparedRequest | BaseModel | list[Error]

MISSING: Final[Error] = {"type": "missing", "loc": ("body",), "msg": "Field required"}
LONG_INTEGER: Final[Error] = {
    "type": "json_invalid",
    "loc": ("body",),
    "msg": "JSON integers outside decimals have at most 18 digits",
}


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
        return [MISSING]
    value, has_long_integers = parse_json(body)
    place: tuple[str, ...] = _place_of(model)
    if issubclass(model, Submission | AnalyzeRequest) and (
        excess := _too_long(value, place=place, max_rows=max_rows, body_bytes=len(body))
    ):
        raise UnreadableBody(excess)
    if value is None:
        return [MISSING]
    if issubclass(model, AnalyzeRequest) and (runs := _too_many_runs(value, batches)):
        raise UnreadableBody(runs)
    unknown = [_in_body(error) for error in unknown_members(value, model)] if is_strict else []
    try:
        # As FastAPI validates, so in its words.
        request = model.model_validate(value, from_attributes=True, context={"max_rows": max_rows})
    except ValidationError as refused:
        return [*_errors_of(refused, model, skips_unknown=is_strict), *unknown][:MAX_ERRORS]
    callback = request.callback_subscription() if isinstance(request, WithCallback) else None
    errors = unknown + ([LONG_INTEGER] if has_long_integers else [])
    if isinstance(request, AnalyzeRequest):
        batch = errors or prepared_batch(request, value, batches, callback=callback)
        return [_of_part(batch)] if isinstance(batch, PartError) else batch
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
        if error["type"] != UNKNOWN_MEMBER:
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


def _without_client_keys(errors: Sequence[Error], model: type[BaseModel]) -> list[Error]:
    """Places end before the first name that is no field: the keys of free maps are values of the request.

    An unknown member is no field, and its own refusal has judged whether its name is shown.
    """
    return [
        error if error["type"] == UNKNOWN_MEMBER else {**error, "loc": ("body", *shown_place(error["loc"][1:], model))}
        for error in errors
    ]


def _too_long(value: Any, *, place: Place, max_rows: int, body_bytes: int) -> list[Error]:
    """The lists that are too long in a parsed body (R44); `place` is where in the body the simulated request stands."""
    request = value
    for name in place:
        request = request.get(name) if isinstance(request, dict) else None
    # A row is at least two bytes, its comma included: most bodies are too small for too many.
    counted = excess_of(request, max_rows=max_rows if body_bytes > 2 * max_rows else inf)
    return [{"type": "too_long", "loc": ("body", *place, *where), "msg": message} for where, message in counted]

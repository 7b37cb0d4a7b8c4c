"""Parsing a body: UTF-8 JSON, not too deep, no member twice, nothing that nothing behind it could keep (R22)."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from fastapi.exceptions import RequestValidationError

from api.json_twins import Twins
from domain.decimals import LongInteger
from domain.row_errors import MAX_ERRORS
from domain.text import is_storable

MAX_DEPTH: Final = 64
MAX_INTEGER_DIGITS: Final = 18

# Possessive, and the closing quote optional: a string without an end is scanned once, not again from each quote in it.
STRINGS_AND_BRACKETS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
# Escapes of NUL and of surrogates: the only way either gets into a UTF-8 body that parses.
SUSPICIOUS_ESCAPES: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class ParsedBody(dict[str, Any]):
    """A JSON object with the integers in it that are too long for anything but a decimal."""

    long_integers: tuple[LongInteger, ...] = ()


def parse_json(body: bytes) -> Any:
    """The body's value; an object comes as ParsedBody. Raises RequestValidationError (type `json_invalid`)."""
    if _is_too_deep(body):
        raise _invalid("nested deeper than 64 levels")
    long_integers: list[LongInteger] = []
    twins = Twins()

    def parse_integer(digits: str) -> int | LongInteger:
        if len(digits.lstrip("-")) <= MAX_INTEGER_DIGITS:
            return int(digits)
        long_integers.append(LongInteger(digits))
        return long_integers[-1]

    try:
        value = json.loads(
            body.decode(), object_pairs_hook=twins.as_object, parse_int=parse_integer, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        raise _invalid(error.msg, error.pos) from None
    except UnicodeDecodeError as error:
        raise _invalid("not UTF-8", error.start) from None
    twins.refuse_in(value)
    if SUSPICIOUS_ESCAPES.search(body):
        _refuse_unstorable_texts(value)
    if isinstance(value, dict):
        value = ParsedBody(value)
        value.long_integers = tuple(long_integers)
    return value


def _is_too_deep(body: bytes) -> bool:
    """Whether brackets nest deeper than the limit; found without parsing, which would recurse."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for match in STRINGS_AND_BRACKETS.finditer(body):
        token = match.group()
        if token in (b"[", b"{"):
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token in (b"]", b"}"):
            depth -= 1
    return False


def _refuse_constant(name: str) -> None:
    raise json.JSONDecodeError(f"{name} is no JSON value", "", 0)


def _refuse_unstorable_texts(value: Any) -> None:
    errors = [
        {"type": "string_unicode", "loc": ("body", *place), "msg": "Text must not hold NUL or a lone surrogate"}
        for place in islice(_places_of_unstorable_texts(value, ()), MAX_ERRORS)
    ]
    if errors:
        raise RequestValidationError(errors)


def _places_of_unstorable_texts(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, str):
        if not is_storable(value):
            yield place
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places_of_unstorable_texts(item, (*place, index))
    elif isinstance(value, dict):
        if not all(map(is_storable, value)):
            yield place
        for name, member in value.items():
            yield from _places_of_unstorable_texts(member, (*place, name))


def _invalid(reason: str, position: int = 0) -> RequestValidationError:
    return RequestValidationError(
        [{"type": "json_invalid", "loc": ("body", position), "msg": f"JSON decode error: {reason}"}]
    )

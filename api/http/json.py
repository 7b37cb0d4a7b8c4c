"""Parsing a body: UTF-8 JSON, not too deep, no member twice, nothing that nothing behind it could keep (R22)."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from domain.places import Place
from domain.row_errors import MAX_ERRORS
from domain.text import is_storable

Error = dict[str, Any]  # as pydantic has it: type, loc and msg; never what the client sent

MAX_DEPTH: Final = 64
MAX_INTEGER_DIGITS: Final = 18
DUPLICATE: Final = "a member stands twice in one object"

# Possessive, and the closing quote optional: a string without an end is scanned once, not again from each quote in it.
STRINGS_AND_BRACKETS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
# Escapes of NUL and of surrogates: the only way either gets into a UTF-8 body that parses.
SUSPICIOUS_ESCAPES: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class UnreadableBody(Exception):
    """A body that is refused before it is validated, with these errors alone.

    It comes out of other processes, too, and RequestValidationError cannot be pickled.
    """

    def __init__(self, errors: list[Error]) -> None:
        super().__init__(errors)
        self.errors = errors


class Parsed(NamedTuple):
    """A JSON value, with its integers of more than 18 digits as texts.

    A decimal refuses a number that large by itself, and nothing else may hold one (R22). So if the value is valid in
    all other respects and has any, they stand outside decimals, and the reader refuses it.
    """

    value: Any
    has_long_integers: bool


def parse_json(body: bytes) -> Parsed:
    """Raises UnreadableBody."""
    if _is_too_deep(body):
        raise _invalid("nested deeper than 64 levels")
    duplicates = _Duplicates()
    has_long_integers = False

    def parse_integer(digits: str) -> int | str:
        nonlocal has_long_integers
        if len(digits.lstrip("-")) <= MAX_INTEGER_DIGITS:
            return int(digits)
        has_long_integers = True
        return digits

    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=duplicates.as_object,
            parse_int=parse_integer,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise _invalid(error.msg, error.pos) from None
    except UnicodeDecodeError as error:
        raise _invalid("not UTF-8", error.start) from None
    duplicates.refuse_in(value)
    if SUSPICIOUS_ESCAPES.search(body):
        _refuse_unstorable_texts(value)
    return Parsed(value, has_long_integers)


class _Duplicates:
    """Members that stand twice in one object: `json` by itself keeps the last of them without a word, and another
    parser on the way here may have kept the first.

    They are noticed while the text is parsed; their places are looked for only when there are any.
    """

    def __init__(self) -> None:
        self._objects = 0

    def as_object(self, members: list[tuple[str, Any]]) -> dict[str, Any]:
        """The `object_pairs_hook` of `json.loads`."""
        unique = dict(members)
        if len(unique) == len(members):
            return unique
        self._objects += 1
        return _WithDuplicates(members) if self._objects <= MAX_ERRORS else unique

    def refuse_in(self, value: Any) -> None:
        """Raises UnreadableBody when this value, now parsed, had any."""
        if not self._objects:
            return
        # None has a place when the first thousand are all below a member that its own duplicate replaced.
        places = list(islice(_places_of_duplicates(value, ()), MAX_ERRORS)) or [()]
        raise UnreadableBody([_error(place, DUPLICATE) for place in places])


class _WithDuplicates(dict[str, Any]):
    """An object with the names of its members that stood twice."""

    __slots__ = ("names",)

    def __init__(self, members: Sequence[tuple[str, Any]]) -> None:
        super().__init__(members)
        self.names = [name for name, count in Counter(name for name, _ in members).items() if count > 1]


def _places_of_duplicates(value: Any, place: Place) -> Iterator[Place]:
    if isinstance(value, _WithDuplicates):
        yield from ((*place, name) for name in value.names)
    for step, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, dict | list):
            yield from _places_of_duplicates(item, (*place, step))


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
        raise UnreadableBody(errors)


def _places_of_unstorable_texts(value: Any, place: Place) -> Iterator[Place]:
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


def _invalid(reason: str, position: int = 0) -> UnreadableBody:
    return UnreadableBody([_error((position,), reason)])


def _error(place: Place, reason: str) -> Error:
    return {"type": "json_invalid", "loc": ("body", *place), "msg": f"JSON decode error: {reason}"}

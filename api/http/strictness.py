"""Names that an endpoint does not know (R28): members of a body, when the request or the service is strict, and
parameters of a query, always.

A refusal shows such a name only when it could be the name of a member: anything else may be data of a client.
"""

import re
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel

from api.http.json import Error, Place
from domain.row_errors import MAX_ERRORS

ANY_OF: Final = frozenset({"status", "state", "operation_type"})  # filters that mean any of their values
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
TRANSPARENT: Final = (Annotated, Union, UnionType)
UNKNOWN: Final = "Extra inputs are not permitted"  # in pydantic's words
MAX_SUGGESTIONS: Final = 50  # in one refusal; each is looked for in half a millisecond


@dataclass(frozen=True, slots=True)
class Members:
    """An object with these members; None for a member in which any name may stand."""

    of: Mapping[str, "Shape | None"]


@dataclass(frozen=True, slots=True)
class Items:
    """A list of such items."""

    item: "Shape"


@dataclass(frozen=True, slots=True)
class Values:
    """An object of a client's own keys, with such values."""

    value: "Shape"


Shape = Members | Items | Values


class Suggestions:
    """The refusals of one request's unknown names."""

    def __init__(self) -> None:
        self._nearest: dict[tuple[str, int], list[str]] = {}

    def refusal(self, place: Place, name: str, known: Collection[str]) -> Error:
        """`place` is where `name` stands among the names that are known there."""
        shown = (name,) if NAME.fullmatch(name) else ()
        return {"type": "extra_forbidden", "loc": (*place, *shown), "msg": self._message(name, known)}

    def _message(self, name: str, known: Collection[str]) -> str:
        asked = (name, id(known))
        if asked not in self._nearest:
            if len(self._nearest) == MAX_SUGGESTIONS or not NAME.fullmatch(name):
                return UNKNOWN
            self._nearest[asked] = get_close_matches(name.lower(), known, n=1)
        nearest = self._nearest[asked]
        return f"{UNKNOWN}: did you mean {nearest[0]}?" if nearest else UNKNOWN


def unknown_members(value: Any, model: type[BaseModel]) -> list[Error]:
    """A refusal of each member of a parsed body that its model does not know, at every level; the first thousand."""
    suggestions = Suggestions()
    found = islice(_unknown(value, _shape_of(model), ("body",)), MAX_ERRORS)
    return [suggestions.refusal(place, name, known) for place, name, known in found]


def refused_parameters(given: Iterable[tuple[str, str]], known: Collection[str]) -> list[Error]:
    """A refusal of each parameter that is unknown, or that came with different values and is no filter by any of them.

    `given` are the parameters of a query, in which a name may stand several times.
    """
    values: dict[str, set[str]] = {}
    for name, value in given:
        values.setdefault(name, set()).add(value)
    suggestions = Suggestions()
    errors = [
        {"type": "repeated", "loc": ("query", name), "msg": "The parameter should be given once, or with one value"}
        if name in known
        else suggestions.refusal(("query",), name, known)
        for name, different in values.items()
        if name not in known or (len(different) > 1 and name not in ANY_OF)
    ]
    return errors[:MAX_ERRORS]


def _unknown(value: Any, shape: Shape | None, place: Place) -> Iterator[tuple[Place, str, Collection[str]]]:
    if isinstance(shape, Items) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, shape.item, (*place, index))
    elif isinstance(shape, Values) and isinstance(value, dict):
        for member in value.values():
            yield from _unknown(member, shape.value, place)
    elif isinstance(shape, Members) and isinstance(value, dict):
        for name, member in value.items():
            if name not in shape.of:
                yield place, name, shape.of
            elif (inner := shape.of[name]) is not None:
                yield from _unknown(member, inner, (*place, name))


@cache
def _shape_of(annotation: Hashable) -> Shape | None:
    """Where names are the contract's in values of this type; None where there are none, or free ones alone."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields: Mapping[str, Any] = annotation.model_fields
        return Members({name: _shape_of(field.annotation) for name, field in fields.items()})
    origin = get_origin(annotation)
    shapes = [_shape_of(argument) for argument in get_args(annotation) if isinstance(argument, Hashable)]
    if origin is dict and shapes[1] is not None:
        return Values(shapes[1])
    if origin in (list, tuple) and shapes[0] is not None:
        return Items(shapes[0])
    return next((shape for shape in shapes if shape is not None), None) if origin in TRANSPARENT else None

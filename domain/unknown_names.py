"""Names that no model knows: where they stand, and which name was probably meant (R28).

A refusal shows such a name only when it could be the name of a member: anything else may be data of a client.
"""

import re
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from domain.places import Place
from domain.row_errors import MAX_ERRORS

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
TRANSPARENT: Final = (Annotated, Union, UnionType)
UNKNOWN_MEMBER: Final = "extra_forbidden"  # the type of such an error, and its text, both as in pydantic
UNKNOWN: Final = "Extra inputs are not permitted"
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

    def refusal(self, place: Place, name: str, known: Collection[str]) -> dict[str, Any]:
        """In pydantic's form; `place` is where `name` stands among the names that are known there."""
        shown = (name,) if NAME.fullmatch(name) else ()
        return {"type": UNKNOWN_MEMBER, "loc": (*place, *shown), "msg": self._message(name, known)}

    def _message(self, name: str, known: Collection[str]) -> str:
        asked = (name, id(known))
        if asked not in self._nearest:
            if len(self._nearest) == MAX_SUGGESTIONS or not NAME.fullmatch(name):
                return UNKNOWN
            self._nearest[asked] = get_close_matches(name.lower(), known, n=1)
        nearest = self._nearest[asked]
        return f"{UNKNOWN}: did you mean {nearest[0]}?" if nearest else UNKNOWN


def unknown_members(value: Any, model: type[BaseModel]) -> list[dict[str, Any]]:
    """A refusal of each member of a parsed value that its model does not know, at every level; the first thousand."""
    suggestions = Suggestions()
    found = islice(_unknown(value, _shape_of(model), ()), MAX_ERRORS)
    return [suggestions.refusal(place, name, known) for place, name, known in found]


def unknown_member(place: Place, model: type[BaseModel]) -> dict[str, Any]:
    """The refusal of one that pydantic has refused; the last step of `place` is its name."""
    shape = _shape_of(model)
    shown: Place = ()
    for step in place[:-1]:
        shape, steps = _inside(shape, step)
        shown += steps
    return Suggestions().refusal(shown, str(place[-1]), shape.of if isinstance(shape, Members) else ())


def _inside(shape: Shape | None, step: str | int) -> tuple[Shape | None, Place]:
    """The shape at that place, and the step as it may be shown: not a client's own key."""
    match shape:
        case Members(of=members):
            return members.get(str(step)), (step,)
        case Items(item=item):
            return item, (step,)
        case Values(value=value):
            return value, ()
    return None, ()


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
    if (stands_for := getattr(annotation, "stands_for", None)) is not None:
        return _shape_of(stands_for)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        return Members({name: _shape_of_field(field) for name, field in fields.items()})
    origin = get_origin(annotation)
    shapes = [_shape_of(argument) for argument in get_args(annotation) if isinstance(argument, Hashable)]
    if origin is dict and shapes[1] is not None:
        return Values(shapes[1])
    if origin in (list, tuple) and shapes[0] is not None:
        return Items(shapes[0])
    return next((shape for shape in shapes if shape is not None), None) if origin in TRANSPARENT else None


def _shape_of_field(field: FieldInfo) -> Shape | None:
    """The shape in a field's metadata, which pydantic has taken out of its annotation."""
    stands_for = (_shape_of(part) for part in field.metadata if hasattr(part, "stands_for"))
    return next(stands_for, None) or _shape_of(field.annotation)  # type: ignore[arg-type]  # annotations are hashable

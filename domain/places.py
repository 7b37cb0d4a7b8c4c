"""Places in a request as they may be shown: names of fields and indexes, never a client's own keys."""

from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from typing import Any, get_args

from pydantic import BaseModel

Place = tuple[str | int, ...]


def shown_place(place: Place, model: type[BaseModel]) -> Place:
    """The place up to the first name that is no field: the keys of free maps are values of the request."""
    names = field_names(model)
    return tuple(takewhile(lambda step: isinstance(step, int) or step in names, place))


@cache
def field_names(model: type[BaseModel]) -> frozenset[str]:
    """The names of all fields of a model, at every level."""
    return frozenset(_names_in(model))


def _names_in(annotation: Any) -> Iterator[str]:
    if (stands_for := getattr(annotation, "stands_for", None)) is not None:
        yield from _names_in(stands_for)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield name
            for part in (field.annotation, *field.metadata):
                yield from _names_in(part)
    else:
        for argument in get_args(annotation):
            yield from _names_in(argument)

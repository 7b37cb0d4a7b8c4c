"""Members that stand twice in one JSON object: `json` by itself keeps the last of them without a word."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from fastapi.exceptions import RequestValidationError

from domain.row_errors import MAX_ERRORS


class Twins:
    """Finds them while a text is parsed, and their places only when there are any."""

    def __init__(self) -> None:
        self._objects = 0

    def as_object(self, members: list[tuple[str, Any]]) -> dict[str, Any]:
        """The `object_pairs_hook` of `json.loads`."""
        unique = dict(members)
        if len(unique) == len(members):
            return unique
        self._objects += 1
        return _WithTwins(members) if self._objects <= MAX_ERRORS else unique

    def refuse_in(self, value: Any) -> None:
        """Raises RequestValidationError (type `json_invalid`) when this value, now parsed, had any."""
        if not self._objects:
            return
        # None has a place when the first thousand are all below a member that its own twin replaced.
        places = list(islice(_places(value, ()), MAX_ERRORS)) or [()]
        raise RequestValidationError(
            [
                {
                    "type": "json_invalid",
                    "loc": ("body", *place),
                    "msg": "JSON decode error: a member stands twice in one object",
                }
                for place in places
            ]
        )


class _WithTwins(dict[str, Any]):
    """An object with the names of its members that stood twice."""

    __slots__ = ("names",)

    def __init__(self, members: Sequence[tuple[str, Any]]) -> None:
        super().__init__(members)
        self.names = [name for name, count in Counter(name for name, _ in members).items() if count > 1]


def _places(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, _WithTwins):
        yield from ((*place, name) for name in value.names)
    for step, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, dict | list):
            yield from _places(item, (*place, step))

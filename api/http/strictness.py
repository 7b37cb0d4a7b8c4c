"""Parameters of a query that an endpoint does not know, or that contradict themselves: refused always (R28)."""

from collections.abc import Collection, Iterable
from typing import Final

from api.http.json import Error
from domain.row_errors import MAX_ERRORS
from domain.unknown_names import Suggestions

ANY_OF: Final = frozenset({"status", "state", "operation_type"})  # filters that mean any of their values


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

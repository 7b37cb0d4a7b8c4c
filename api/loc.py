"""The place of an error without the client's own words in it: the keys of free maps are values of the request."""

from collections.abc import Sequence

from domain.request import field_names

PLACES = frozenset({"body", "query", "path", "header", "cookie"})


def without_client_keys(loc: Sequence[str | int]) -> list[str | int]:
    """The place up to the first name that is no field of a request model, header or parameter."""
    if not loc or loc[0] != "body":
        return list(loc)
    kept: list[str | int] = ["body"]
    for step in loc[1:]:
        if isinstance(step, str) and step not in field_names():
            break
        kept.append(step)
    return kept

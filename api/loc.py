"""The place of an error without the client's own words in it: the keys of free maps are values of the request."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final, get_args

from pydantic import BaseModel

from api.schemas.reviews import ApprovalRequest, TransitionRequest
from api.schemas.submission import CreateProposalRequest, CreateVersionRequest

BODIES: Final = (CreateProposalRequest, CreateVersionRequest, TransitionRequest, ApprovalRequest)


def without_client_keys(loc: Sequence[str | int]) -> list[str | int]:
    """The place up to the first name that is no field of a request model, header or parameter."""
    if not loc or loc[0] != "body":
        return list(loc)
    kept: list[str | int] = ["body"]
    for step in loc[1:]:
        if isinstance(step, str) and step not in _field_names():
            break
        kept.append(step)
    return kept


@cache
def _field_names() -> frozenset[str]:
    return frozenset(name for body in BODIES for name in _names_in(body))


def _names_in(annotation: Any) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield name
            yield from _names_in(field.annotation)
    else:
        for argument in get_args(annotation):
            yield from _names_in(argument)

"""Integers of requests: as JSON or as text, and the text is what any reader would take for that number."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from api.reviews import ApprovalRequest, TransitionRequest
from domain.request import CreateRequest, VersionRequest


def numbers_in(annotation: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The names and types of all integers below a model."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for field_name, field in annotation.model_fields.items():
            whole = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            if field.annotation is int or int in [part for _, part in _parts(field.annotation)]:
                yield f"{annotation.__name__}.{field_name}", whole
            yield from numbers_in(field.annotation)
    else:
        for argument in get_args(annotation):
            yield from numbers_in(argument)


def _parts(annotation: Any) -> Iterator[tuple[Any, Any]]:
    for argument in get_args(annotation):
        yield annotation, argument
        yield from _parts(argument)


INTEGERS = dict(
    found
    for model in (CreateRequest, VersionRequest, TransitionRequest, ApprovalRequest)
    for found in numbers_in(model)
)


def test_these_are_all():
    assert sorted(INTEGERS) == [
        "ApprovalRequest.related_version_no",
        "EngineOptions.drift_top_contributors_limit",
        "EngineOptions.fx_settlement_days",
        "EngineOptions.settlement_horizon_days",
        "ShelfEntry.settlement_days",
        "TransitionRequest.related_version_no",
        "VersionRequest.expected_current_version_no",
    ]


@pytest.mark.parametrize("name", INTEGERS)
def test_an_integer_is_written_in_digits(name):
    adapter = TypeAdapter(INTEGERS[name])
    for given in (7, "7", " 7 ", "+7", "07", "7.0", 7.0):
        assert adapter.validate_python(given) == 7
    for refused in ("0_7", "7_0", "\N{ARABIC-INDIC DIGIT SEVEN}", "0x7", "7e0", "seven", "", "7.5"):
        with pytest.raises(ValidationError) as raised:
            adapter.validate_python(refused)
        assert [error["type"] for error in raised.value.errors()] == ["int_parsing"], refused

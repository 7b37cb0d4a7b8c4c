"""Answers as models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from proposals_client.errors import UnexpectedAnswer

if TYPE_CHECKING:
    from pydantic import BaseModel

    M = TypeVar("M", bound=BaseModel)


def read_object(model: type[M], document: Mapping[str, Any]) -> M:
    """Raises UnexpectedAnswer, with the places that are wrong and never a value."""
    from pydantic import ValidationError  # noqa: PLC0415 -- with the models, not at the start

    try:
        return model.model_validate(document)
    except ValidationError as failure:
        places = ", ".join(".".join(map(str, error["loc"])) for error in failure.errors(include_input=False)[:5])
        raise UnexpectedAnswer(f"the answer is not a {model.__name__} of this client's release: {places}") from None

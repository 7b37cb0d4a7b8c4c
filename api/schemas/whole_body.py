"""What can only be said of a body as a whole, and bodies that were read as a whole in another process."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ModelWrapValidatorHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from api.strict_json import ParsedBody

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedBody:
    """What is wrong with a body that was validated elsewhere: type, place and message of each error."""

    errors: tuple[tuple[str, tuple[str | int, ...], str], ...]


def read_as_a_whole(model: type[Body], value: Any, handler: ModelWrapValidatorHandler[Body]) -> Body:
    """The body; one that was validated elsewhere is taken over, or refused with the errors that were found there."""
    if isinstance(value, RefusedBody):
        raise ValidationError.from_exception_data(
            model.__name__,
            [InitErrorDetails(type=_error(kind, message), loc=loc, input=None) for kind, loc, message in value.errors],
        )
    return value if isinstance(value, model) else handler(value)


def refuse(name: str, body: Any, further: Sequence[InitErrorDetails] = ()) -> None:
    """Raises ValidationError for long integers that no decimal has taken up, and for these further errors."""
    errors = list(further)
    if isinstance(body, ParsedBody) and any(not number.in_decimal for number in body.long_integers):
        kind = PydanticCustomError("json_invalid", "JSON integers outside decimals have at most 18 digits")
        errors.insert(0, InitErrorDetails(type=kind, loc=(), input=None))
    if errors:
        raise ValidationError.from_exception_data(name, errors)


def _error(kind: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(kind, "{message}", {"message": message})

"""What can only be said of a body as a whole, after its fields have been read."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from api.strict_json import ParsedBody


def refuse(name: str, body: Any, further: Sequence[InitErrorDetails] = ()) -> None:
    """Raises ValidationError for long integers that no decimal has taken up, and for these further errors."""
    errors = list(further)
    if isinstance(body, ParsedBody) and any(not number.in_decimal for number in body.long_integers):
        kind = PydanticCustomError("json_invalid", "JSON integers outside decimals have at most 18 digits")
        errors.insert(0, InitErrorDetails(type=kind, loc=(), input=None))
    if errors:
        raise ValidationError.from_exception_data(name, errors)

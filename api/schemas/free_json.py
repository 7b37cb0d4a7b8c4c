"""Free JSON objects of clients: any keys, any values, up to a size."""

import json
import math
from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

MAX_BYTES: Final = 64 * 1024


def _refuse_what_cannot_be_kept(value: dict[str, Any]) -> dict[str, Any]:
    if any(not math.isfinite(number) for number in _floats(value)):
        raise PydanticCustomError("finite_number", "Numbers must be finite and within the range of a double")
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_BYTES:
        raise PydanticCustomError("string_too_long", "The object should have at most 65536 bytes of JSON")
    return value


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _floats(member)
    elif isinstance(value, list):
        for item in value:
            yield from _floats(item)


FreeObject = Annotated[dict[str, Any], AfterValidator(_refuse_what_cannot_be_kept)]

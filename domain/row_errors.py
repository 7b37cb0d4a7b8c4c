"""A limit on the listed errors of a request's rows: each takes a kilobyte, and a request has room for millions."""

from collections.abc import Mapping
from contextvars import ContextVar
from itertools import islice
from typing import Any, Final

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticOmit

MAX_ERRORS: Final = 1000

_listed: ContextVar[list[int] | None] = ContextVar("listed", default=None)


def _in_outermost_list(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    if _listed.get() is not None:
        return handler(value)
    token = _listed.set([0])
    try:
        return handler(value)
    finally:
        _listed.reset(token)


def _row(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Skips the rows after the thousandth error: the request is refused anyway."""
    listed = _listed.get()
    if listed is None:
        return handler(value)
    if listed[0] >= MAX_ERRORS:
        raise PydanticOmit
    try:
        return handler(value)
    except ValidationError as error:
        listed[0] += error.error_count()
        raise


def _in_parts(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Validates a thousand members at a time, and skips the rest after a thousand with an error."""
    if not isinstance(value, Mapping) or len(value) <= MAX_ERRORS:
        return handler(value)
    members = iter(value.items())
    whole: dict[Any, Any] = {}
    while part := dict(islice(members, MAX_ERRORS)):
        whole |= handler(part)
    return whole


LISTED_ROW: Final = WrapValidator(_row)  # on the item of a sequence ...
LISTED_ROWS: Final = WrapValidator(_in_outermost_list)  # ... and on the sequence
LISTED_MEMBERS: Final = WrapValidator(_in_parts)  # on a mapping of the client's own keys

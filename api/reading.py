"""Reading a body from its bytes to a valid request, wherever that happens."""

import gc
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.schemas.submission import Submitted, without_rows
from api.schemas.whole_body import RefusedBody
from api.strict_json import parse_json
from runtime.memory import give_back


class NoJson(Exception):
    """The bytes are no JSON that can be kept; `errors` says why. (RequestValidationError cannot be pickled.)"""

    def __init__(self, errors: tuple[dict[str, Any], ...]) -> None:
        super().__init__(errors)
        self.errors = errors


def read_whole(body: bytes, model: type[BaseModel]) -> BaseModel | RefusedBody:
    """The valid request without its rows, or what is wrong with it. Raises NoJson.

    Made for a process of its own: this takes seconds, and a hundred bytes of memory for one of the body.
    """
    try:
        return _read(body, model)
    finally:
        gc.collect()
        give_back()


def _read(body: bytes, model: type[BaseModel]) -> BaseModel | RefusedBody:
    try:
        value = parse_json(body)
    except RequestValidationError as refused:
        raise NoJson(tuple(refused.errors())) from None
    try:
        # As FastAPI validates, so that the errors are the same ones.
        request: BaseModel = model.__pydantic_validator__.validate_python(value, from_attributes=True)
    except ValidationError as refused:
        errors = refused.errors(include_url=False, include_context=False, include_input=False)
        return RefusedBody(errors=tuple((error["type"], error["loc"], error["msg"]) for error in errors))
    return without_rows(request) if isinstance(request, Submitted) else request

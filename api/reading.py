"""Reading a body from its bytes to a valid request, wherever that happens."""

from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.request_size import too_long
from api.schemas.submission import Submitted, without_rows
from api.schemas.whole_body import RefusedBody
from api.strict_json import parse_json


class NotRead(Exception):
    """No JSON that can be kept, or too much of it; `errors` says why. (RequestValidationError cannot be pickled.)"""

    def __init__(self, errors: tuple[dict[str, Any], ...]) -> None:
        super().__init__(errors)
        self.errors = errors


def parse_request(body: bytes, model: Any, *, max_rows: int) -> Any:
    """The body's JSON value. Raises RequestValidationError for what is no JSON, or more than a request may hold."""
    value = parse_json(body)
    if isinstance(model, type) and issubclass(model, Submitted) and (errors := too_long(value, model, max_rows)):
        raise RequestValidationError(errors)
    return value


def read_whole(body: bytes, model: type[BaseModel], *, max_rows: int) -> BaseModel | RefusedBody:
    """The valid request without its rows, or what is wrong with it. Raises NotRead.

    Made for a process of its own: this takes seconds, and a hundred bytes of memory for one of the body.
    """
    try:
        value = parse_request(body, model, max_rows=max_rows)
    except RequestValidationError as refused:
        raise NotRead(tuple(refused.errors())) from None
    try:
        # As FastAPI validates, so that the errors are the same ones.
        request: BaseModel = model.__pydantic_validator__.validate_python(value, from_attributes=True)
    except ValidationError as refused:
        errors = refused.errors(include_url=False, include_context=False, include_input=False)
        return RefusedBody(errors=tuple((error["type"], error["loc"], error["msg"]) for error in errors))
    return without_rows(request) if isinstance(request, Submitted) else request

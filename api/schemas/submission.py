"""Request bodies as they arrive: the domain's models, and the refusals that need the whole body."""

from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from api.strict_json import ParsedBody
from domain.engine.validate import refusals
from domain.request import CreateRequest, SimulateRequest


class SimulationRequest(SimulateRequest):
    """What to simulate."""

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        request = handler(value)
        _refuse(cls.__name__, value, request, place=())
        return request


class CreateProposalRequest(CreateRequest):
    """What an advisor proposes for a client's portfolio, and who proposes it."""

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        request = handler(value)
        _refuse(cls.__name__, value, request.simulate_request, place=("simulate_request",))
        return request


def _refuse(name: str, body: Any, request: SimulateRequest, *, place: tuple[str, ...]) -> None:
    """Contradicting rows are refused only when nothing else is wrong (engine.md, D9 and D10)."""
    errors: list[InitErrorDetails] = []
    if isinstance(body, ParsedBody) and any(not number.in_decimal for number in body.long_integers):
        errors.append(
            InitErrorDetails(
                type=PydanticCustomError("json_invalid", "JSON integers outside decimals have at most 18 digits"),
                loc=(),
                input=None,
            )
        )
    errors += [
        InitErrorDetails(
            type=PydanticCustomError("value_error", "{message}", {"message": refusal.message}),
            loc=(*place, *refusal.loc),
            input=None,
        )
        for refusal in refusals(request)
    ]
    if errors:
        raise ValidationError.from_exception_data(name, errors)

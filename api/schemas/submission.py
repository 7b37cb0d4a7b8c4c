"""Request bodies as they arrive: the domain's models, and the refusals that need the whole body."""

from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from api.strict_json import ParsedBody
from domain.engine.validate import refusals
from domain.request import CreateRequest


class CreateProposalRequest(CreateRequest):
    """What an advisor proposes for a client's portfolio, and who proposes it."""

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Contradicting rows are refused only when nothing else is wrong (engine.md, D9 and D10)."""
        request = handler(value)
        errors: list[InitErrorDetails] = []
        if isinstance(value, ParsedBody) and any(not number.in_decimal for number in value.long_integers):
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
                loc=("simulate_request", *refusal.loc),
                input=None,
            )
            for refusal in refusals(request.simulate_request)
        ]
        if errors:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return request

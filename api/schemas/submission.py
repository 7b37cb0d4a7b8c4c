"""Bodies of what is simulated, as they arrive: the domain's models, and the refusals that need the whole body."""

from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from api.schemas.whole_body import refuse
from domain.engine.validate import refusals
from domain.request import CreateRequest, SimulateRequest, VersionRequest


class SimulationRequest(SimulateRequest):
    """What to simulate."""

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        request = handler(value)
        refuse(cls.__name__, value, _contradictions(request, place=()))
        return request


class CreateProposalRequest(CreateRequest):
    """What an advisor proposes for a client's portfolio, and who proposes it."""

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        request = handler(value)
        refuse(cls.__name__, value, _contradictions(request.simulate_request, place=("simulate_request",)))
        return request


class CreateVersionRequest(VersionRequest):
    """What an advisor proposes instead of a proposal's current version."""

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        request = handler(value)
        refuse(cls.__name__, value, _contradictions(request.simulate_request, place=("simulate_request",)))
        return request


def _contradictions(request: SimulateRequest, *, place: tuple[str, ...]) -> list[InitErrorDetails]:
    """Contradicting rows are refused only when nothing else is wrong (engine.md, D9 and D10)."""
    return [
        InitErrorDetails(
            type=PydanticCustomError("value_error", "{message}", {"message": refusal.message}),
            loc=(*place, *refusal.loc),
            input=None,
        )
        for refusal in refusals(request)
    ]

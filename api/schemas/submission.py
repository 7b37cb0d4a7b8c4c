"""Bodies of what is simulated, as they arrive: the domain's models, and the refusals that need the whole body."""

from typing import Any, Self

from pydantic import Field, ModelWrapValidatorHandler, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from api.schemas.callbacks import CALLBACK_EXAMPLE, CallbackRequest
from api.schemas.whole_body import refuse
from domain.callback import CallbackOrder
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

    callback: CallbackRequest | None = Field(
        None,
        description="Whom to tell when the operation has ended; ignored in a replay.",
        examples=[CALLBACK_EXAMPLE],
    )

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        request = handler(value)
        refuse(cls.__name__, value, _contradictions(request.simulate_request, place=("simulate_request",)))
        return request


class CreateVersionRequest(VersionRequest):
    """What an advisor proposes instead of a proposal's current version."""

    callback: CallbackRequest | None = Field(
        None,
        description="Whom to tell when the operation has ended; ignored in a replay.",
        examples=[CALLBACK_EXAMPLE],
    )

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        request = handler(value)
        refuse(cls.__name__, value, _contradictions(request.simulate_request, place=("simulate_request",)))
        return request


def ordered_callback(request: CreateProposalRequest | CreateVersionRequest) -> CallbackOrder | None:
    """What the body asks for, as services take it."""
    asked = request.callback
    if asked is None:
        return None
    return CallbackOrder(url=asked.url, headers=tuple((asked.headers or {}).items()))


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

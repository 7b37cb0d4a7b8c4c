"""Bodies of what is simulated, as they arrive: the domain's models, and the refusals that need the whole body."""

from typing import Any, Self, TypeVar

from pydantic import BaseModel, Field, ModelWrapValidatorHandler, PrivateAttr, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from api.schemas.callbacks import CALLBACK_EXAMPLE, CallbackRequest
from api.schemas.whole_body import read_as_a_whole, refuse
from domain.callback import CallbackOrder
from domain.engine.validate import refusals
from domain.options import EngineOptions
from domain.portfolio import MarketDataSnapshot, PortfolioSnapshot
from domain.request import CreateRequest, SimulateRequest, VersionRequest
from services.prepared_request import PreparedRequest


class Submitted(BaseModel):
    """A body that may have been read in another process, where its rows have stayed."""

    _prepared: PreparedRequest | None = PrivateAttr(default=None)

    @property
    def prepared(self) -> PreparedRequest | None:
        """What is kept of the whole body; None when the body itself is here."""
        return self._prepared


class SimulationRequest(SimulateRequest, Submitted):
    """What to simulate."""

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        request = read_as_a_whole(cls, value, handler)
        refuse(cls.__name__, value, _contradictions(request, place=()))
        return request


class CreateProposalRequest(CreateRequest, Submitted):
    """What an advisor proposes for a client's portfolio, and who proposes it."""

    callback: CallbackRequest | None = Field(
        None,
        description="Whom to tell when the operation has ended; ignored in a replay.",
        examples=[CALLBACK_EXAMPLE],
    )

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        request = read_as_a_whole(cls, value, handler)
        refuse(cls.__name__, value, _contradictions(request.simulate_request, place=("simulate_request",)))
        return request


class CreateVersionRequest(VersionRequest, Submitted):
    """What an advisor proposes instead of a proposal's current version."""

    callback: CallbackRequest | None = Field(
        None,
        description="Whom to tell when the operation has ended; ignored in a replay.",
        examples=[CALLBACK_EXAMPLE],
    )

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        request = read_as_a_whole(cls, value, handler)
        refuse(cls.__name__, value, _contradictions(request.simulate_request, place=("simulate_request",)))
        return request


Simulated = TypeVar("Simulated", bound=SimulateRequest)


def without_rows(request: Submitted) -> Submitted:
    """What decides how the request is answered, with what is kept of the rest: light enough for another process."""
    light: Submitted
    if isinstance(request, SimulationRequest):
        light = _rowless(request)
    elif isinstance(request, CreateProposalRequest | CreateVersionRequest):
        light = request.model_copy(update={"simulate_request": _rowless(request.simulate_request)})
    else:
        raise TypeError("a submission is one of these")
    light._prepared = PreparedRequest.of(request)  # noqa: SLF001 -- set here and nowhere else
    return light


def _rowless(request: Simulated) -> Simulated:
    snapshot = request.portfolio_snapshot
    return request.model_copy(
        update={
            "portfolio_snapshot": PortfolioSnapshot(
                portfolio_id=snapshot.portfolio_id, base_currency=snapshot.base_currency
            ),
            "market_data_snapshot": MarketDataSnapshot(),
            "shelf_entries": (),
            "options": EngineOptions(enable_proposal_simulation=request.options.enable_proposal_simulation),
            "proposed_cash_flows": (),
            "proposed_trades": (),
            "reference_model": None,
        }
    )


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

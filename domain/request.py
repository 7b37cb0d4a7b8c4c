"""The requests of clients, and the stored text and the hash of each (D17, D19)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, model_validator
from typing_extensions import TypeAliasType

from domain.canonical import canonical_text, sha256_of
from domain.decimals import NO_FLOAT, PLAIN_INTEGER, DecimalInput, PositiveDecimal, normal_text, refuse_float
from domain.engine.codes import INVALID_TRADE_INPUT
from domain.options import EngineOptions
from domain.portfolio import (
    CurrencyCode,
    Identifier,
    MarketDataSnapshot,
    Money,
    Name,
    PortfolioSnapshot,
    ReferenceModel,
    RequestPart,
    Rows,
    ShelfEntry,
)

TradeSide = TypeAliasType("TradeSide", Literal["BUY", "SELL"])
MAX_VERSION_NO: Final = 2**31 - 1
VersionNo = Annotated[int, Field(ge=1, le=MAX_VERSION_NO), PLAIN_INTEGER]
# What a wire model may add to a request without changing what is asked for. It can hold credentials.
NOT_COMPUTED_ON: Final[Mapping[str, bool]] = {"callback": True}
EXAMPLE: Final[dict[str, Any]] = {
    "portfolio_snapshot": {
        "portfolio_id": "pf_1",
        "base_currency": "SGD",
        "positions": [{"instrument_id": "EQ_US_TECH", "quantity": "120"}],
        "cash_balances": [{"currency": "SGD", "amount": "50000.00"}],
    },
    "market_data_snapshot": {
        "prices": [{"instrument_id": "EQ_US_TECH", "price": "250.00", "currency": "USD"}],
        "fx_rates": [{"pair": "USD/SGD", "rate": "1.35"}],
    },
    "shelf_entries": [{"instrument_id": "EQ_US_TECH", "status": "APPROVED", "asset_class": "EQUITY"}],
    "options": {"enable_proposal_simulation": True},
    "proposed_trades": [{"side": "BUY", "instrument_id": "EQ_US_TECH", "quantity": "10"}],
}


def _refuse_float_amount(value: Any) -> Any:
    if isinstance(value, dict):
        refuse_float(value.get("amount"))
    return value


class ProposedCashFlow(RequestPart):
    """Money that the bank's customer pays in or withdraws."""

    intent_type: Literal["CASH_FLOW"] = Field(
        "CASH_FLOW", description="Always CASH_FLOW; may be left out.", examples=["CASH_FLOW"]
    )
    currency: CurrencyCode = Field(description="Currency of the amount, by ISO 4217.", examples=["SGD"])
    amount: Annotated[DecimalInput, NO_FLOAT] = Field(
        description="Currency units, negative for a withdrawal; text or integer.", examples=["-500.00"]
    )
    description: str | None = Field(
        None, description="Reason for the cash flow, shown in the artifact.", examples=["Withdrawal for tuition"]
    )


class ProposedTrade(RequestPart):
    """A trade that the advisor proposes, sized by quantity or by notional."""

    SIZES: ClassVar[tuple[str, ...]] = ("quantity", "notional")

    intent_type: Literal["SECURITY_TRADE"] = Field(
        "SECURITY_TRADE", description="Always SECURITY_TRADE; may be left out.", examples=["SECURITY_TRADE"]
    )
    side: TradeSide = Field(description="Whether to buy or to sell.", examples=["BUY"])
    instrument_id: Name = Field(
        description="The instrument to trade, which needs a shelf entry.", examples=["EQ_US_TECH"]
    )
    quantity: Annotated[PositiveDecimal, NO_FLOAT] | None = Field(
        None, description="Units, greater than zero.", examples=["10"]
    )
    notional: Annotated[Money | None, BeforeValidator(_refuse_float_amount)] = Field(
        None, description="Value in the price's currency.", examples=[{"amount": "2500.00", "currency": "USD"}]
    )

    @model_validator(mode="after")
    def _has_one_size(self) -> Self:
        if sum(getattr(self, size) is not None for size in self.SIZES) != 1:
            *sizes, last = self.SIZES
            raise ValueError(f"{INVALID_TRADE_INPUT}: exactly one of {', '.join(sizes)} and {last} is needed")
        if self.notional is not None and self.notional.amount <= 0:
            raise ValueError(f"{INVALID_TRADE_INPUT}: notional.amount must be greater than zero")
        return self


class SimulateRequest(RequestPart):
    """The input of a simulation."""

    portfolio_snapshot: PortfolioSnapshot = Field(
        description="The portfolio of the bank's customer.", examples=[EXAMPLE["portfolio_snapshot"]]
    )
    market_data_snapshot: MarketDataSnapshot = Field(
        description="Prices of instruments and rates of currencies.", examples=[EXAMPLE["market_data_snapshot"]]
    )
    shelf_entries: Rows[ShelfEntry] = Field(
        description="Instruments that the bank offers.", examples=[EXAMPLE["shelf_entries"]]
    )
    options: EngineOptions = Field(
        default_factory=EngineOptions, description="Options of the engine.", examples=[EXAMPLE["options"]]
    )
    proposed_cash_flows: Rows[ProposedCashFlow] = Field(
        (), description="Cash flows, in order.", examples=[[{"currency": "SGD", "amount": "-500.00"}]]
    )
    proposed_trades: Rows[ProposedTrade] = Field(
        (),
        description="Buys and sells to simulate, in the order of the proposal.",
        examples=[EXAMPLE["proposed_trades"]],
    )
    reference_model: ReferenceModel | None = Field(
        None,
        description="Model that drift is measured against.",
        examples=[{"model_id": "balanced_sgd", "as_of": "2026-01-01", "base_currency": "SGD"}],
    )


class ProposalMetadata(RequestPart):
    """Descriptive data of a proposal; the engine does not read it."""

    title: Annotated[str, StringConstraints(max_length=500)] | None = Field(
        None, description="Title of the proposal.", examples=["Rebalance into quality"]
    )
    advisor_notes: Annotated[str, StringConstraints(max_length=10_000)] | None = Field(
        None,
        description="Kept with the proposal for the record, permanently; no endpoint returns it.",
        examples=["Client prefers fewer positions."],
    )
    jurisdiction: Identifier | None = Field(None, description="Jurisdiction of the proposal.", examples=["SG"])
    mandate_id: Identifier | None = Field(None, description="Mandate of the bank's customer.", examples=["mandate_9"])


class CreateRequest(RequestPart):
    """A new proposal."""

    created_by: Name = Field(description="The person who submits the request.", examples=["advisor_1"])
    simulate_request: SimulateRequest = Field(description="The input of the simulation.", examples=[EXAMPLE])
    metadata: ProposalMetadata = Field(
        default_factory=ProposalMetadata,
        description="Title, advisor's notes, jurisdiction and mandate.",
        examples=[{"title": "Rebalance into quality"}],
    )


class VersionRequest(RequestPart):
    """A new version of a proposal."""

    created_by: Name = Field(description="The person who submits the request.", examples=["advisor_1"])
    simulate_request: SimulateRequest = Field(description="The input of the simulation.", examples=[EXAMPLE])
    expected_current_version_no: VersionNo | None = Field(
        None, description="The version that this one must follow.", examples=[1]
    )


def request_document(request: BaseModel) -> str:
    """The parsed request in wire order with every default and each decimal as it was written: what replay runs on."""
    return request.model_dump_json(exclude=NOT_COMPUTED_ON)


def request_hash(request: BaseModel) -> str:
    """Hash of the request without what equals its default, decimals in normal form (D17, D19)."""
    kept = request.model_dump(exclude=NOT_COMPUTED_ON, exclude_defaults=True)
    return sha256_of(canonical_text(kept, default=normal_text))

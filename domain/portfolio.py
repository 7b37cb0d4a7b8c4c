"""The data that a proposal is computed from: portfolio, market and shelf."""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from domain.decimals import PLAIN_INTEGER, DecimalInput, Fraction, NonNegativeDecimal, PositiveDecimal
from domain.engine.codes import INVALID_INPUT, LOT_TOLERANCE, UNKNOWN_ASSET_CLASS
from domain.row_errors import LISTED_MEMBERS, LISTED_ROW, LISTED_ROWS
from domain.text import MAX_IDENTIFIER_LENGTH, is_visible

Row = TypeVar("Row")


def _require_list(value: Any) -> Any:
    """A tuple field would call the wrong type `tuple_type`, which is no word of JSON."""
    if not isinstance(value, list | tuple):
        raise PydanticCustomError("list_type", "Input should be a valid list")
    return value


def _require_visible(name: str) -> str:
    if not is_visible(name):
        raise PydanticCustomError("string_too_short", "String should have at least 1 visible character")
    return name


Rows = Annotated[tuple[Annotated[Row, LISTED_ROW], ...], LISTED_ROWS, BeforeValidator(_require_list)]
Identifier = Annotated[str, StringConstraints(max_length=MAX_IDENTIFIER_LENGTH)]
# Of a person, a portfolio or an instrument: kept exactly as sent, never blank.
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_IDENTIFIER_LENGTH), AfterValidator(_require_visible)
]
# pydantic's patterns are Rust's: `$` is the end of the text, never before a last line feed.
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
CurrencyPair = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}/[A-Z]{3}$")]
# An alias of this kind is a named schema in the OpenAPI document.
ShelfStatus = TypeAliasType("ShelfStatus", Literal["APPROVED", "RESTRICTED", "BANNED", "SUSPENDED", "SELL_ONLY"])
LiquidityTier = TypeAliasType("LiquidityTier", Literal["L1", "L2", "L3", "L4", "L5"])


class RequestPart(BaseModel):
    """Immutable; unknown keys are ignored at every level."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Money(RequestPart):
    """An amount in a currency."""

    amount: DecimalInput = Field(description="Amount in currency units.", examples=["10000.00"])
    currency: CurrencyCode = Field(description="Currency of the amount, by ISO 4217.", examples=["SGD"])


class TaxLot(RequestPart):
    """A purchase that is part of a position."""

    lot_id: str = Field(description="Your id of the lot.", examples=["lot_1"])
    quantity: NonNegativeDecimal = Field(
        description="Units of the lot; the lots of a position add up to it.", examples=["100"]
    )
    unit_cost: Money = Field(description="Price paid for a unit.", examples=[{"amount": "98.20", "currency": "USD"}])
    purchase_date: str = Field(description="As the custodian writes it; not parsed.", examples=["2024-05-17"])


class Position(RequestPart):
    """Units of one instrument in the portfolio."""

    instrument_id: Name = Field(description="The instrument that is held.", examples=["EQ_US_TECH"])
    quantity: DecimalInput = Field(description="Units held; any sign.", examples=["120"])
    market_value: Money | None = Field(
        None,
        description="The custodian's valuation; used with `valuation_mode` TRUST_SNAPSHOT only.",
        examples=[{"amount": "30000.00", "currency": "USD"}],
    )
    lots: Rows[TaxLot] = Field(
        (),
        description="Tax lots; their quantities add up to the position's.",
        examples=[
            [
                {
                    "lot_id": "lot_1",
                    "quantity": "120",
                    "unit_cost": {"amount": "98.20", "currency": "USD"},
                    "purchase_date": "2024-05-17",
                }
            ]
        ],
    )

    @model_validator(mode="after")
    def _lots_add_up(self) -> Self:
        if self.lots and abs(sum((lot.quantity for lot in self.lots), Decimal()) - self.quantity) > LOT_TOLERANCE:
            raise ValueError(f"{INVALID_INPUT}: the quantities of the lots do not add up to the position's")
        return self


class CashBalance(RequestPart):
    """Cash in one currency."""

    currency: CurrencyCode = Field(description="Currency of the balance, by ISO 4217.", examples=["SGD"])
    amount: DecimalInput = Field(
        description="Balance in currency units; negative is an overdraft.", examples=["50000.00"]
    )
    settled: DecimalInput | None = Field(None, description="Settled part; echoed, not used.", examples=["50000.00"])
    pending: DecimalInput | None = Field(None, description="Unsettled part; echoed, not used.", examples=["0"])


class PortfolioSnapshot(RequestPart):
    """The portfolio of the bank's customer at one moment."""

    snapshot_id: Identifier | None = Field(None, description="The snapshot, for lineage.", examples=["ps_20260222"])
    portfolio_id: Name = Field(
        description="Your id of the portfolio. Operators see it: put no name in it.", examples=["pf_1"]
    )
    base_currency: CurrencyCode = Field(description="Currency that everything is valued in.", examples=["SGD"])
    positions: Rows[Position] = Field(
        (),
        description="Holdings; rows of the same instrument are added up.",
        examples=[[{"instrument_id": "EQ_US_TECH", "quantity": "120"}]],
    )
    cash_balances: Rows[CashBalance] = Field(
        (),
        description="Cash; rows of the same currency are added up.",
        examples=[[{"currency": "SGD", "amount": "50000.00"}]],
    )


class Price(RequestPart):
    """The price of one unit."""

    instrument_id: Name = Field(description="The instrument that has this price.", examples=["EQ_US_TECH"])
    price: PositiveDecimal = Field(
        description="Price of a unit in currency units, greater than zero.", examples=["250.00"]
    )
    currency: CurrencyCode = Field(description="Currency of the price, by ISO 4217.", examples=["USD"])


class FxRate(RequestPart):
    """One unit of the first currency costs `rate` units of the second."""

    pair: CurrencyPair = Field(
        description="FROM/TO, as in USD/SGD: units of TO for one unit of FROM.", examples=["USD/SGD"]
    )
    rate: PositiveDecimal = Field(description="Units of TO for one FROM, greater than zero.", examples=["1.35"])


class MarketDataSnapshot(RequestPart):
    """Prices and rates at one moment."""

    snapshot_id: Identifier | None = Field(None, description="The snapshot, for lineage.", examples=["md_20260222"])
    prices: Rows[Price] = Field(
        (),
        description="One row for each instrument.",
        examples=[[{"instrument_id": "EQ_US_TECH", "price": "250.00", "currency": "USD"}]],
    )
    fx_rates: Rows[FxRate] = Field(
        (),
        description="One row for each pair; the inverse is derived.",
        examples=[[{"pair": "USD/SGD", "rate": "1.35"}]],
    )


class ShelfEntry(RequestPart):
    """An instrument on the bank's shelf."""

    instrument_id: Name = Field(description="The instrument that the bank offers.", examples=["EQ_US_TECH"])
    status: ShelfStatus = Field(description="Which trades the bank allows.", examples=["APPROVED"])
    asset_class: str = Field(
        UNKNOWN_ASSET_CLASS, description="Asset class of allocations and drift.", examples=["EQUITY"]
    )
    issuer_id: Identifier | None = Field(
        None,
        description="Issuer, for the limit of concentration; an issue of data quality when it is missing.",
        examples=["ISS_TECH"],
    )
    liquidity_tier: LiquidityTier | None = Field(None, description="L1 most liquid, L5 least.", examples=["L1"])
    settlement_days: Annotated[int, Field(ge=0, le=10), PLAIN_INTEGER] = Field(
        2, description="Business days to settlement.", examples=[2]
    )
    min_notional: Money | None = Field(None, description="Smallest trade; not checked by advice.", examples=[None])
    attributes: Annotated[dict[str, str], LISTED_MEMBERS] = Field(
        default_factory=dict, description="Free attributes; each gives an allocation.", examples=[{"region": "US"}]
    )


class AssetClassTarget(RequestPart):
    """The model's target for an asset class."""

    asset_class: str = Field(description="Asset class, as the shelf names it.", examples=["EQUITY"])
    weight: Fraction = Field(description="Fraction of the total, from 0 to 1.", examples=["0.60"])


class InstrumentTarget(RequestPart):
    """The model's target for an instrument."""

    instrument_id: Name = Field(description="The instrument that has this target.", examples=["EQ_US_TECH"])
    weight: Fraction = Field(description="Fraction of the total, from 0 to 1.", examples=["0.10"])


class ReferenceModel(RequestPart):
    """The model portfolio that drift is measured against."""

    model_id: str = Field(description="Your id of the model.", examples=["balanced_sgd"])
    as_of: str = Field(description="Date of the model; not parsed.", examples=["2026-01-01"])
    base_currency: CurrencyCode = Field(
        description="Must be the portfolio's for drift to be measured.", examples=["SGD"]
    )
    asset_class_targets: Rows[AssetClassTarget] = Field(
        (), description="Targets by asset class.", examples=[[{"asset_class": "EQUITY", "weight": "0.60"}]]
    )
    instrument_targets: Rows[InstrumentTarget] = Field(
        (),
        description="Target weights of instruments; without them drift is measured by asset class alone.",
        examples=[[{"instrument_id": "EQ_US_TECH", "weight": "0.10"}]],
    )

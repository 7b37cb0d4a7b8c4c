"""States of a portfolio: values, weights, allocations."""

from typing import Any, Final

from pydantic import BaseModel, Field

from api.wire import DecimalText, Weight

MONEY_EXAMPLE: Final[dict[str, Any]] = {"amount": "10000.00", "currency": "SGD"}


class MoneyText(BaseModel):
    """An amount in a currency."""

    amount: DecimalText = Field(description="Amount in currency units, unrounded.", examples=["10000.00"])
    currency: str = Field(description="Currency of the amount, by ISO 4217.", examples=["SGD"])


class CashBalanceState(BaseModel):
    """Cash in one currency."""

    currency: str = Field(description="Currency of the balance, by ISO 4217.", examples=["SGD"])
    amount: DecimalText = Field(description="Balance in currency units.", examples=["50000.00"])
    settled: DecimalText | None = Field(
        description="Settled part, as it was sent; null once the balance is another.", examples=[None]
    )
    pending: DecimalText | None = Field(
        description="Unsettled part, as it was sent; null once the balance is another.", examples=[None]
    )


class PositionSummary(BaseModel):
    """A valued position."""

    instrument_id: str = Field(description="The instrument that is held.", examples=["EQ_US_TECH"])
    quantity: DecimalText = Field(description="Units held; negative when more is sold than held.", examples=["120"])
    instrument_currency: str = Field(description="Currency of its price.", examples=["USD"])
    asset_class: str = Field(description="From the shelf, else UNKNOWN.", examples=["EQUITY"])
    price: MoneyText | None = Field(description="Price of a unit; null when there is none.", examples=[MONEY_EXAMPLE])
    value_in_instrument_ccy: MoneyText = Field(
        description="Value in the currency of its price.", examples=[MONEY_EXAMPLE]
    )
    value_in_base_ccy: MoneyText = Field(description="Value in the base currency.", examples=[MONEY_EXAMPLE])
    weight: Weight = Field(description="Fraction of the total, 4 decimals.", examples=["0.1320"])


class AllocationMetric(BaseModel):
    """A bucket of an allocation."""

    key: str = Field(
        description="Asset class, instrument or value of an attribute; CASH for cash.", examples=["EQUITY"]
    )
    weight: Weight = Field(description="Fraction of the total, 4 decimals.", examples=["0.1320"])
    value: MoneyText = Field(description="Value in the base currency, unrounded.", examples=[MONEY_EXAMPLE])


class SimulatedState(BaseModel):
    """The portfolio at one side of the proposal."""

    total_value: MoneyText = Field(description="Everything, in the base currency.", examples=[MONEY_EXAMPLE])
    cash_balances: list[CashBalanceState] = Field(
        description="Cash of the portfolio, a balance for each currency.", examples=[[]]
    )
    positions: list[PositionSummary] = Field(description="Positions in order of first appearance.", examples=[[]])
    allocation_by_asset_class: list[AllocationMetric] = Field(
        description="Weight of each asset class, with CASH last.", examples=[[]]
    )
    allocation_by_instrument: list[AllocationMetric] = Field(description="One row for each position.", examples=[[]])
    allocation: list[AllocationMetric] = Field(description="The same as by instrument.", examples=[[]])
    allocation_by_attribute: dict[str, list[AllocationMetric]] = Field(description="By each attribute of the shelf.")

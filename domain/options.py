"""The options of the engine; each is hashed and echoed, also those that it does not read."""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from domain.decimals import PLAIN_INTEGER, DecimalInput, Fraction, NonNegativeDecimal
from domain.portfolio import LiquidityTier, Money, RequestPart
from domain.row_errors import LISTED_MEMBERS

Severity = TypeAliasType("Severity", Literal["LOW", "MEDIUM", "HIGH"])
ValuationMode = TypeAliasType("ValuationMode", Literal["CALCULATED", "TRUST_SNAPSHOT"])
TargetMethod = TypeAliasType("TargetMethod", Literal["HEURISTIC", "SOLVER"])
FundingSource = TypeAliasType("FundingSource", Literal["BASE_ONLY", "ANY_CASH"])
# In the schema alone: pydantic's own `deprecated` would warn in this process whenever the field is read.
UNREAD: Final[dict[str, JsonValue]] = {"deprecated": True}
NOT_READ: Final = "Not read by advice."


def _unread(default: Any, *, example: Any, description: str = NOT_READ) -> Any:
    """The field of an option that is hashed and echoed, and changes nothing else."""
    return Field(default, description=description, examples=[example], json_schema_extra=UNREAD)


def _currency_keys(limits: dict[str, Decimal]) -> dict[str, Decimal]:
    if not all(len(key) == len("SGD") and key.isascii() and key.isalpha() and key.isupper() for key in limits):
        raise PydanticCustomError("value_error", "keys must be currency codes of three capital letters")
    return limits


class GroupConstraint(RequestPart):
    """A cap on a group of instruments."""

    max_weight: Fraction = Field(description="Largest fraction of the total, from 0 to 1.", examples=["0.25"])


def _attribute_keys(constraints: dict[str, GroupConstraint]) -> dict[str, GroupConstraint]:
    if not all(key.count(":") == 1 and all(key.split(":")) for key in constraints):
        raise PydanticCustomError("value_error", "keys must have the form attribute:value")
    return constraints


def _default_tier_caps() -> dict[LiquidityTier, Decimal]:
    return {"L4": Decimal("0.10"), "L5": Decimal("0.05")}


def require_band(least: Decimal, most: Decimal) -> None:
    """Raises ValueError for a band that is none."""
    if least > most:
        raise ValueError("cash_band_min_weight is larger than cash_band_max_weight")


class SuitabilityThresholds(RequestPart):
    """Limits of the suitability scan."""

    single_position_max_weight: Fraction = Field(
        Decimal("0.10"), description="Cap of one instrument, a fraction from 0 to 1.", examples=["0.10"]
    )
    issuer_max_weight: Fraction = Field(
        Decimal("0.20"), description="Cap of one issuer, a fraction from 0 to 1.", examples=["0.20"]
    )
    max_weight_by_liquidity_tier: Annotated[dict[LiquidityTier, Fraction], LISTED_MEMBERS] = Field(
        default_factory=_default_tier_caps,
        description="Cap of each tier that is listed, a fraction from 0 to 1.",
        examples=[{"L4": "0.10", "L5": "0.05"}],
    )
    cash_band_min_weight: Fraction = Field(
        Decimal("0.01"), description="Lower bound of cash, a fraction from 0 to 1.", examples=["0.01"]
    )
    cash_band_max_weight: Fraction = Field(
        Decimal("0.05"), description="Upper bound of cash, a fraction from 0 to 1.", examples=["0.05"]
    )
    data_quality_issue_severity: Severity = Field(
        "MEDIUM", description="Severity of missing shelf data.", examples=["MEDIUM"]
    )

    @model_validator(mode="after")
    def _band_is_a_band(self) -> Self:
        require_band(self.cash_band_min_weight, self.cash_band_max_weight)
        return self


class EngineOptions(RequestPart):
    """Options of the engine, in the order of stored documents."""

    valuation_mode: ValuationMode = Field(
        "CALCULATED", description="Value positions by price, or as the custodian did.", examples=["CALCULATED"]
    )
    target_method: TargetMethod = _unread("HEURISTIC", example="HEURISTIC")
    compare_target_methods: bool = _unread(False, example=False)
    compare_target_methods_tolerance: DecimalInput = _unread(Decimal("0.0001"), example="0.0001")
    cash_band_min_weight: Fraction = Field(
        Decimal("0.00"), description="Lower bound of cash of rule CASH_BAND, a fraction from 0 to 1.", examples=["0.00"]
    )
    cash_band_max_weight: Fraction = Field(
        Decimal("1.00"), description="Upper bound of cash of rule CASH_BAND, a fraction from 0 to 1.", examples=["1.00"]
    )
    single_position_max_weight: Fraction | None = Field(
        None,
        description="Cap of rule SINGLE_POSITION_MAX, a fraction from 0 to 1; no cap without it.",
        examples=["0.40"],
    )
    min_trade_notional: Money | None = _unread(None, example=None)
    allow_restricted: bool = Field(False, description="Whether RESTRICTED instruments may be bought.", examples=[False])
    suppress_dust_trades: bool = _unread(True, example=True)
    dust_trade_threshold: Money | None = _unread(None, example=None)
    fx_buffer_pct: DecimalInput = _unread(Decimal("0.01"), example="0.01")
    block_on_missing_prices: bool = Field(True, description="Whether a missing price blocks.", examples=[True])
    block_on_missing_fx: bool = Field(True, description="Whether a missing rate blocks.", examples=[True])
    min_cash_buffer_pct: DecimalInput = _unread(Decimal("0.0"), example="0.0")
    max_turnover_pct: Fraction | None = _unread(None, example=None)
    enable_tax_awareness: bool = _unread(False, example=False)
    max_realized_capital_gains: NonNegativeDecimal | None = _unread(None, example=None)
    enable_settlement_awareness: bool = _unread(False, example=False)
    enable_proposal_simulation: bool = Field(
        False, description="Must be true for a proposal to be simulated.", examples=[True]
    )
    enable_workflow_gates: bool = Field(True, description="Whether the gate decision is made.", examples=[True])
    workflow_requires_client_consent: bool = _unread(
        False, example=False, description="No effect: advice always needs consent."
    )
    client_consent_already_obtained: bool = Field(False, description="Consent is on file.", examples=[False])
    proposal_apply_cash_flows_first: bool = Field(
        True, description="Apply cash flows before the trades, else after them.", examples=[True]
    )
    proposal_block_negative_cash: bool = Field(
        True, description="Whether a withdrawal into an overdraft blocks.", examples=[True]
    )
    link_buy_to_same_currency_sell_dependency: bool | None = Field(
        None, description="Whether a buy depends on the last sell in its currency.", examples=[None]
    )
    enable_drift_analytics: bool = Field(True, description="Whether drift is measured.", examples=[True])
    enable_suitability_scanner: bool = Field(True, description="Whether suitability is scanned.", examples=[True])
    suitability_thresholds: SuitabilityThresholds = Field(
        default_factory=SuitabilityThresholds,
        description="Limits below which the suitability scan raises no issue.",
        examples=[{"single_position_max_weight": "0.10", "issuer_max_weight": "0.20"}],
    )
    enable_instrument_drift: bool = Field(True, description="Whether drift is measured by instrument.", examples=[True])
    drift_top_contributors_limit: Annotated[int, Field(ge=1, le=20), PLAIN_INTEGER] = Field(
        5, description="Length of the top lists.", examples=[5]
    )
    drift_unmodeled_exposure_threshold: Fraction = Field(
        Decimal("0.01"),
        description="Weight from which an unmodelled bucket is shown, a fraction from 0 to 1.",
        examples=["0.01"],
    )
    auto_funding: bool = Field(True, description="Whether buys are funded by FX.", examples=[True])
    funding_mode: Literal["AUTO_FX"] = Field("AUTO_FX", description="How buys are funded.", examples=["AUTO_FX"])
    fx_funding_source_currency: FundingSource = Field(
        "ANY_CASH", description="Which cash may fund.", examples=["ANY_CASH"]
    )
    fx_generation_policy: Literal["ONE_FX_PER_CCY"] = Field(
        "ONE_FX_PER_CCY", description="One FX trade for each currency.", examples=["ONE_FX_PER_CCY"]
    )
    settlement_horizon_days: Annotated[int, Field(ge=0, le=10), PLAIN_INTEGER] = _unread(5, example=5)
    fx_settlement_days: Annotated[int, Field(ge=0, le=10), PLAIN_INTEGER] = _unread(2, example=2)
    max_overdraft_by_ccy: Annotated[dict[str, NonNegativeDecimal], LISTED_MEMBERS, AfterValidator(_currency_keys)] = (
        Field(
            default_factory=dict,
            description=NOT_READ,
            json_schema_extra=UNREAD,
            examples=[{"USD": "1000"}],
        )
    )
    group_constraints: Annotated[dict[str, GroupConstraint], LISTED_MEMBERS, AfterValidator(_attribute_keys)] = Field(
        default_factory=dict,
        description=NOT_READ,
        json_schema_extra=UNREAD,
        examples=[{"sector:TECH": {"max_weight": "0.25"}}],
    )

    @model_validator(mode="after")
    def _band_is_a_band(self) -> Self:
        require_band(self.cash_band_min_weight, self.cash_band_max_weight)
        return self

"""The result of a simulation."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from typing_extensions import TypeAliasType

from api.documents.analysis import DriftAnalysis, SuitabilityResult
from api.documents.valuation import MONEY_EXAMPLE, MoneyText, SimulatedState
from api.wire import HASH_EXAMPLE, HEX, DecimalText, Hash, RunId
from domain.options import Severity
from domain.request import TradeSide

SimulationStatus = TypeAliasType("SimulationStatus", Literal["READY", "PENDING_REVIEW", "BLOCKED"])
GateName = TypeAliasType(
    "GateName",
    Literal[
        "BLOCKED",
        "RISK_REVIEW_REQUIRED",
        "COMPLIANCE_REVIEW_REQUIRED",
        "CLIENT_CONSENT_REQUIRED",
        "EXECUTION_READY",
        "NONE",
    ],
)
DropReason = TypeAliasType(
    "DropReason",
    Literal["MISSING_SHELF", "SHELF_STATUS", "MISSING_PRICE", "CURRENCY_MISMATCH", "PRICE_ZERO", "UNFUNDED"],
)
NextStep = TypeAliasType(
    "NextStep", Literal["FIX_INPUT", "RISK_REVIEW", "COMPLIANCE_REVIEW", "REQUEST_CLIENT_CONSENT", "EXECUTE", "NONE"]
)
ReconciliationStatus = TypeAliasType("ReconciliationStatus", Literal["OK", "MISMATCH"])
RuleSeverity = TypeAliasType("RuleSeverity", Literal["HARD", "SOFT"])
RuleStatus = TypeAliasType("RuleStatus", Literal["PASS", "FAIL"])
GateReasonSource = TypeAliasType("GateReasonSource", Literal["RULE_ENGINE", "SUITABILITY", "DATA_QUALITY"])


class Rationale(BaseModel):
    """The reason for an intent."""

    code: str = Field(
        description="MANUAL_PROPOSAL for a trade of the request, FUNDING for an exchange of the engine.",
        examples=["MANUAL_PROPOSAL"],
    )
    message: str = Field(description="The reason in words, for people.", examples=["Proposed by the advisor"])


class CashFlowIntent(BaseModel):
    """A cash flow."""

    intent_type: Literal["CASH_FLOW"] = Field(
        description="Tells cash flows, exchanges and trades apart.", examples=["CASH_FLOW"]
    )
    intent_id: str = Field(description="Unique in the result.", examples=["oi_cf_1"])
    currency: str = Field(description="Currency of the amount, by ISO 4217.", examples=["SGD"])
    amount: DecimalText = Field(description="Currency units, negative for a withdrawal.", examples=["-500.00"])
    description: str | None = Field(description="As it was sent.", examples=[None])


class FxSpotIntent(BaseModel):
    """An exchange that funds buys."""

    intent_type: Literal["FX_SPOT"] = Field(
        description="Tells cash flows, exchanges and trades apart.", examples=["FX_SPOT"]
    )
    intent_id: str = Field(description="Unique in the result.", examples=["oi_fx_1"])
    pair: str = Field(description="Bought and sold currency.", examples=["USD/SGD"])
    buy_currency: str = Field(description="Currency that is bought.", examples=["USD"])
    buy_amount: DecimalText = Field(description="In minor units, rounded up.", examples=["1000.00"])
    sell_currency: str = Field(description="Currency that is sold to pay for it.", examples=["SGD"])
    sell_amount_estimated: DecimalText = Field(
        description="Amount sold at the rate of the snapshot, in minor units; never less than one.",
        examples=["1350.00"],
    )
    dependencies: list[str] = Field(description="Intents that must come first.", examples=[[]])
    rationale: Rationale = Field(
        description="Why the exchange is there.",
        examples=[{"code": "FUNDING", "message": "Funds the buys of this currency"}],
    )


class SecurityTradeIntent(BaseModel):
    """A trade."""

    intent_type: Literal["SECURITY_TRADE"] = Field(
        description="Tells cash flows, exchanges and trades apart.", examples=["SECURITY_TRADE"]
    )
    intent_id: str = Field(description="Unique in the result.", examples=["oi_1"])
    instrument_id: str = Field(
        description="The instrument to trade, by the id of the request.", examples=["EQ_US_TECH"]
    )
    side: TradeSide = Field(description="Whether units are bought or sold.", examples=["BUY"])
    quantity: DecimalText = Field(description="Units to trade, never negative.", examples=["10"])
    notional: MoneyText = Field(description="Value in the currency of the price.", examples=[MONEY_EXAMPLE])
    notional_base: MoneyText | None = Field(
        description="Value in the base currency; null without a rate.",
        examples=[MONEY_EXAMPLE],
    )
    dependencies: list[str] = Field(description="Intents that must come first.", examples=[[]])
    rationale: Rationale = Field(
        description="Why the trade is there.",
        examples=[{"code": "MANUAL_PROPOSAL", "message": "Proposed by the advisor"}],
    )
    constraints_applied: list[str] = Field(description="Always empty in advice.", examples=[[]])


Intent = TypeAliasType(
    "Intent",
    Annotated[
        CashFlowIntent | FxSpotIntent | SecurityTradeIntent,
        Field(discriminator="intent_type", description="A cash flow, an exchange or a trade."),
    ],
)


class ReconciliationResult(BaseModel):
    """Before and after, compared."""

    before_total_value: MoneyText = Field(
        description="Total value before the proposal, in the base currency.", examples=[MONEY_EXAMPLE]
    )
    after_total_value: MoneyText = Field(
        description="Total value after the proposal, in the base currency.", examples=[MONEY_EXAMPLE]
    )
    delta: MoneyText = Field(
        description="Total value after less before; cash flows are part of it.", examples=[MONEY_EXAMPLE]
    )
    tolerance: MoneyText = Field(
        description="Largest difference from the expected total that is accepted.", examples=[MONEY_EXAMPLE]
    )
    status: ReconciliationStatus = Field(description="Whether the totals agree.", examples=["OK"])


class RuleOutcome(BaseModel):
    """The outcome of one rule."""

    rule_id: str = Field(
        description="The rule, such as CASH_BAND. A rule can have several outcomes.", examples=["CASH_BAND"]
    )
    severity: RuleSeverity = Field(description="HARD blocks, SOFT asks for review.", examples=["SOFT"])
    status: RuleStatus = Field(description="Outcome of the rule.", examples=["PASS"])
    measured: DecimalText = Field(description="What was measured, unrounded.", examples=["0.1573"])
    threshold: dict[str, DecimalText] = Field(
        description="The limits that it was measured against, by name.", examples=[{"min": "0.00", "max": "1.00"}]
    )
    reason_code: str = Field(description="OK, or the code of the failure.", examples=["OK"])
    remediation_hint: str | None = Field(description="What to do about it; null on PASS.", examples=[None])


class Explanation(BaseModel):
    """The outcome in one word."""

    summary: str = Field(description="The status of the result again.", examples=["READY"])


class DroppedIntent(BaseModel):
    """A trade of the request that was not made."""

    intent_id: str = Field(description="Its number in the request.", examples=["oi_2"])
    instrument_id: str = Field(description="The instrument that was to be traded.", examples=["EQ_US_TECH"])
    reason: DropReason = Field(description="Why the trade was not made.", examples=["MISSING_PRICE"])


class FundingPlanEntry(BaseModel):
    """Funding for the buys in one currency."""

    target_currency: str = Field(description="The currency that the buys need.", examples=["USD"])
    required: DecimalText = Field(description="Sum of the buys, minor units.", examples=["2500.00"])
    available_before_fx: DecimalText = Field(description="Cash available, in minor units.", examples=["1500.00"])
    fx_needed: DecimalText = Field(description="Amount that is missing, rounded up.", examples=["1000.00"])
    fx_pair: str | None = Field(description="The exchange that was made.", examples=["USD/SGD"])
    funding_currency: str | None = Field(
        description="Currency that pays; null when no exchange is needed or possible.", examples=["SGD"]
    )


class InsufficientCash(BaseModel):
    """A deficit that no currency could fund: the smallest one."""

    currency: str = Field(
        description="Currency that would have paid; the bought currency if none could.", examples=["SGD"]
    )
    deficit: DecimalText = Field(description="Amount that is missing, in minor units, rounded up.", examples=["12.50"])


class DataQuality(BaseModel):
    """Missing data, each item once and in order of first appearance."""

    price_missing: list[str] = Field(description="Instruments without a price.", examples=[[]])
    fx_missing: list[str] = Field(description="Pairs without a rate.", examples=[[]])
    shelf_missing: list[str] = Field(description="Instruments without a shelf entry.", examples=[[]])


class DiagnosticsResult(BaseModel):
    """Warnings, dropped trades and missing data of a simulation."""

    warnings: list[str] = Field(description="Codes of warnings, in the order in which they came up.", examples=[[]])
    suppressed_intents: list[str] = Field(description="Always empty in advice.", examples=[[]])
    dropped_intents: list[DroppedIntent] = Field(
        description="Trades that were not made, in the order of the request.", examples=[[]]
    )
    group_constraint_events: list[str] = Field(description="Always empty in advice.", examples=[[]])
    tax_budget_constraint_events: list[str] = Field(description="Always empty in advice.", examples=[[]])
    cash_ladder: list[str] = Field(description="Always empty in advice.", examples=[[]])
    cash_ladder_breaches: list[str] = Field(description="Always empty in advice.", examples=[[]])
    missing_fx_pairs: list[str] = Field(description="Pairs that funding lacked.", examples=[[]])
    funding_plan: list[FundingPlanEntry] = Field(description="One entry for each bought currency.", examples=[[]])
    insufficient_cash: list[InsufficientCash] = Field(
        description="Buys that no currency can pay for; empty when all are funded.", examples=[[]]
    )
    data_quality: DataQuality = Field(
        description="Missing prices, rates and shelf entries.",
        examples=[{"price_missing": [], "fx_missing": [], "shelf_missing": []}],
    )


class GateReason(BaseModel):
    """One reason for the gate."""

    reason_code: str = Field(description="Code of the finding.", examples=["HARD_RULE_FAIL:NO_SHORTING"])
    severity: Severity = Field(description="How serious the finding is; reasons are sorted by it.", examples=["HIGH"])
    source: GateReasonSource = Field(description="The check that found it.", examples=["RULE_ENGINE"])
    details: dict[str, str] = Field(
        description="Codes and counts behind the finding, as texts.",
        examples=[{"reason_code": "SELL_EXCEEDS_HOLDINGS"}],
    )


class GateSummary(BaseModel):
    """Counts behind the gate."""

    hard_fail_count: int = Field(description="Hard rules that failed.", examples=[0])
    soft_fail_count: int = Field(description="Soft rules that failed.", examples=[0])
    new_high_suitability_count: int = Field(description="New issues of severity HIGH.", examples=[0])
    new_medium_suitability_count: int = Field(description="New issues of severity MEDIUM.", examples=[1])


class GateDecision(BaseModel):
    """Advice only: it constrains no transition."""

    gate: GateName = Field(
        description="What the proposal should pass next; it blocks nothing.", examples=["CLIENT_CONSENT_REQUIRED"]
    )
    recommended_next_step: NextStep = Field(description="What to do next.", examples=["REQUEST_CLIENT_CONSENT"])
    reasons: list[GateReason] = Field(description="By severity, source, code.", examples=[[]])
    summary: GateSummary = Field(
        description="Counts of the findings behind the gate.",
        examples=[
            {
                "hard_fail_count": 0,
                "soft_fail_count": 0,
                "new_high_suitability_count": 0,
                "new_medium_suitability_count": 0,
            }
        ],
    )


class ResultLineage(BaseModel):
    """Snapshots, key and engine of a result."""

    portfolio_snapshot_id: str = Field(description="The snapshot, else the portfolio.", examples=["ps_20260222"])
    market_data_snapshot_id: str = Field(description="The snapshot, else `md`.", examples=["md_20260222"])
    request_hash: Hash = Field(description="Hash of the request.", examples=[HASH_EXAMPLE])
    idempotency_key: str | None = Field(description="The key it was submitted with.", examples=["7c1f4c8e-advice"])
    engine_version: str = Field(description="The engine that computed it.", examples=["1.0.0"])


class ProposalResult(BaseModel):
    """The result of a simulation."""

    proposal_run_id: RunId = Field(description="Derived from the request hash.", examples=[f"pr_{HEX}"])
    correlation_id: str = Field(description="Hash of the request.", examples=["crm/case/4711"])
    status: SimulationStatus = Field(
        description="READY, or the reason why the proposal cannot proceed.", examples=["READY"]
    )
    before: SimulatedState = Field(description="The portfolio as it was sent.")
    intents: list[Intent] = Field(
        description="Cash flows, exchanges and trades in the order of execution.", examples=[[]]
    )
    after_simulated: SimulatedState = Field(description="The portfolio after all intents.")
    reconciliation: ReconciliationResult = Field(description="Whether total before, cash flows and total after agree.")
    rule_results: list[RuleOutcome] = Field(description="The rules, in order.", examples=[[]])
    explanation: Explanation = Field(description="The outcome in one word.", examples=[{"summary": "READY"}])
    diagnostics: DiagnosticsResult = Field(description="Warnings, dropped trades and missing data.")
    drift_analysis: DriftAnalysis | None = Field(description="Null without a reference model.", examples=[None])
    suitability: SuitabilityResult | None = Field(description="Null when the scanner is off.", examples=[None])
    gate_decision: GateDecision | None = Field(description="Null when the gates are off.", examples=[None])
    lineage: ResultLineage = Field(description="Snapshots, key and engine of the result.")

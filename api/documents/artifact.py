"""The artifact that clients and reviewers read."""

from typing import Literal

from pydantic import BaseModel, Field
from typing_extensions import TypeAliasType

from api.documents.analysis import SuitabilityIssue
from api.documents.result import (
    DropReason,
    GateDecision,
    ProposalResult,
    Rationale,
    ReconciliationResult,
    SimulationStatus,
)
from api.documents.valuation import MONEY_EXAMPLE, AllocationMetric, MoneyText
from api.wire import HASH_EXAMPLE, HEX, TIMESTAMP_EXAMPLE, ArtifactId, DecimalText, Hash, RunId, TimestampText, Weight
from domain.options import EngineOptions, Severity, ValuationMode
from domain.portfolio import MarketDataSnapshot, PortfolioSnapshot, ReferenceModel, ShelfEntry
from domain.request import ProposedCashFlow, ProposedTrade, TradeSide

ObjectiveTag = TypeAliasType(
    "ObjectiveTag", Literal["RISK_ALIGNMENT", "CASH_DEPLOYMENT", "DRIFT_REDUCTION", "PORTFOLIO_MAINTENANCE"]
)
ArtifactNextStep = TypeAliasType(
    "ArtifactNextStep", Literal["RISK_REVIEW", "COMPLIANCE_REVIEW", "CLIENT_CONSENT", "EXECUTION_READY", "NONE"]
)
OrderingPolicy = TypeAliasType("OrderingPolicy", Literal["CASH_FLOW->SELL->FX->BUY", "SELL->FX->BUY->CASH_FLOW"])
SuitabilityStatus = TypeAliasType("SuitabilityStatus", Literal["AVAILABLE", "NOT_AVAILABLE"])


class Takeaway(BaseModel):
    """A sentence with a code."""

    code: str = Field(
        description="What the sentence is about: STATUS, INTENTS, CASH, DRIFT or SUITABILITY.", examples=["CASH"]
    )
    value: str = Field(
        description="A short text for people; do not parse it.", examples=["0.1573 before, 0.1200 after"]
    )


class CodedText(BaseModel):
    """A text with a code."""

    code: str = Field(description="What the text is about, for programs.", examples=["DEPENDENCY"])
    text: str = Field(
        description="One sentence for people; do not parse it.",
        examples=["Execute a trade only after the intents that it depends on."],
    )


class ArtifactSummary(BaseModel):
    """The proposal at a glance."""

    title: str = Field(
        description="The title of the proposal, else one that names the portfolio.",
        examples=["Proposal for portfolio pf_1"],
    )
    objective_tags: list[ObjectiveTag] = Field(description="Purposes of the proposal.", examples=[["RISK_ALIGNMENT"]])
    advisor_notes: list[CodedText] = Field(description="Always empty: notes are stored and never shown.", examples=[[]])
    recommended_next_step: ArtifactNextStep = Field(description="What to do next.", examples=["CLIENT_CONSENT"])
    key_takeaways: list[Takeaway] = Field(description="STATUS, INTENTS, CASH, DRIFT, SUITABILITY.", examples=[[]])


class ImpactSide(BaseModel):
    """One side of the impact, heaviest rows first."""

    total_value: MoneyText = Field(description="Everything, in the base currency.", examples=[MONEY_EXAMPLE])
    allocation_by_asset_class: list[AllocationMetric] = Field(
        description="A row for each asset class and CASH, heaviest first.", examples=[[]]
    )
    allocation_by_instrument: list[AllocationMetric] = Field(
        description="A row for each position, heaviest first.", examples=[[]]
    )


class WeightChange(BaseModel):
    """How an instrument's weight changes."""

    bucket_type: Literal["INSTRUMENT"] = Field(
        description="Always INSTRUMENT: weights are compared by position.", examples=["INSTRUMENT"]
    )
    bucket_id: str = Field(description="The instrument whose weight changes.", examples=["EQ_US_TECH"])
    weight_before: Weight = Field(description="Fraction of the total before, 4 decimals.", examples=["0.1000"])
    weight_after: Weight = Field(description="Fraction of the total after, 4 decimals.", examples=["0.1200"])
    delta: Weight = Field(description="Weight after less weight before.", examples=["0.0200"])


class ImpactDelta(BaseModel):
    """The change."""

    total_value_delta: MoneyText = Field(
        description="Total value after less before, in the base currency.", examples=[MONEY_EXAMPLE]
    )
    largest_weight_changes: list[WeightChange] = Field(
        description="The instruments whose weights change most, largest change first.", examples=[[]]
    )


class PortfolioImpact(BaseModel):
    """Before and after."""

    before: ImpactSide = Field(description="The portfolio before the proposal.")
    after: ImpactSide = Field(description="The portfolio after the proposal.")
    delta: ImpactDelta = Field(description="The change.")
    reconciliation: ReconciliationResult = Field(description="Whether total before, cash flows and total after agree.")


class ArtifactTrade(BaseModel):
    """A trade as people read it."""

    intent_id: str = Field(description="The intent of the result that this trade is.", examples=["oi_1"])
    type: Literal["SECURITY_TRADE"] = Field(
        description="Always SECURITY_TRADE: currency trades are in `fx_list`.", examples=["SECURITY_TRADE"]
    )
    instrument_id: str = Field(
        description="The instrument to trade, by the id of the request.", examples=["EQ_US_TECH"]
    )
    side: TradeSide = Field(description="Whether units are bought or sold.", examples=["BUY"])
    quantity: DecimalText = Field(description="Units, without trailing zeros.", examples=["10"])
    estimated_notional: MoneyText | None = Field(description="In the currency of the price.", examples=[MONEY_EXAMPLE])
    estimated_notional_base: MoneyText | None = Field(description="In the base currency.", examples=[MONEY_EXAMPLE])
    dependencies: list[str] = Field(description="Intents that must come first.", examples=[[]])
    rationale: Rationale = Field(
        description="Why the trade is there.",
        examples=[{"code": "MANUAL_PROPOSAL", "message": "Proposed by the advisor"}],
    )


class ArtifactFx(BaseModel):
    """An exchange as people read it."""

    intent_id: str = Field(description="The intent of the result that this exchange is.", examples=["oi_fx_1"])
    pair: str = Field(description="Bought and sold currency.", examples=["USD/SGD"])
    buy_amount: DecimalText = Field(
        description="Units of the bought currency, without trailing zeros.", examples=["1000"]
    )
    sell_amount_estimated: DecimalText = Field(
        description="Units of the sold currency at the rate of the snapshot, without trailing zeros.", examples=["1350"]
    )
    rate: DecimalText | None = Field(
        description="Units sold for one bought; 12 digits when only the inverse was given. Engines before 2.0.0 show "
        "4 decimals, and null instead of the inverse.",
        examples=["1.35"],
    )


class DroppedTrade(BaseModel):
    """A trade that was not made, as it was requested."""

    intent_id: str = Field(description="Its number in the request.", examples=["oi_2"])
    instrument_id: str = Field(description="The instrument that was to be traded.", examples=["EQ_US_TECH"])
    side: TradeSide = Field(description="Whether it was to be bought or sold.", examples=["BUY"])
    quantity: DecimalText | None = Field(description="Units; null when it was sized by notional.", examples=["10"])
    notional: MoneyText | None = Field(description="Value; null when it was sized by quantity.", examples=[None])
    reason: DropReason = Field(description="Why the trade was not made.", examples=["MISSING_PRICE"])


class TradesAndFunding(BaseModel):
    """Trades and exchanges to execute."""

    trade_list: list[ArtifactTrade] = Field(description="Security trades in the order of execution.", examples=[[]])
    fx_list: list[ArtifactFx] = Field(description="Currency trades that fund buys, sorted by pair.", examples=[[]])
    dropped_trades: list[DroppedTrade] = Field(
        [],
        description="Trades that were not made, in request order; absent in artifacts of engines before 2.0.0.",
        examples=[[]],
    )
    ordering_policy: OrderingPolicy = Field(
        description="Order in which kinds of intents are executed.", examples=["CASH_FLOW->SELL->FX->BUY"]
    )
    execution_notes: list[CodedText] = Field(description="What to observe when the trades are made.", examples=[[]])


class SuitabilitySummary(BaseModel):
    """The scan at a glance."""

    status: SuitabilityStatus = Field(description="Whether the scan ran.", examples=["AVAILABLE"])
    new_issues: int = Field(description="Issues that only the portfolio after the proposal has.", examples=[0])
    resolved_issues: int = Field(description="Issues that only the portfolio before the proposal has.", examples=[0])
    persistent_issues: int = Field(description="Issues of both portfolios.", examples=[0])
    highest_severity_new: Severity | None = Field(
        description="Highest severity of the new issues; null without any.", examples=[None]
    )
    highlights: list[CodedText] = Field(description="The most severe issues.", examples=[[]])
    issues: list[SuitabilityIssue] = Field(description="All issues of both portfolios.", examples=[[]])


class PricingAssumptions(BaseModel):
    """Where prices come from."""

    market_data_snapshot_id: str = Field(
        description="Snapshot id of prices and rates, else `md`.", examples=["md_20260222"]
    )
    prices_as_of: str = Field(description="Snapshot id that the prices are from.", examples=["md_20260222"])
    fx_as_of: str = Field(description="Snapshot id that the rates are from.", examples=["md_20260222"])
    valuation_mode: ValuationMode = Field(description="As it was asked for.", examples=["CALCULATED"])


class Inclusion(BaseModel):
    """Whether a topic is modelled."""

    included: bool = Field(description="Always false: the figures leave this out.", examples=[False])
    notes: str = Field(description="What the figures leave out, for people.", examples=["Taxes are not modelled."])


class AssumptionsAndLimits(BaseModel):
    """Assumptions, and costs and taxes that the numbers leave out."""

    pricing: PricingAssumptions = Field(description="Where prices come from.")
    costs_and_fees: Inclusion = Field(description="Whether the figures include costs and fees.")
    tax: Inclusion = Field(description="Whether the figures include taxes.")
    execution: Inclusion = Field(description="Whether the figures include effects of execution.")


class ProductDocument(BaseModel):
    """Where to read about an instrument."""

    instrument_id: str = Field(description="The instrument that the document describes.", examples=["EQ_US_TECH"])
    doc_ref: str = Field(
        description="Where the document is; a reference of the bank.",
        examples=["See the product documents of this instrument."],
    )


class Disclosures(BaseModel):
    """Disclosures to the bank's customer."""

    risk_disclaimer: str = Field(description="The same text in every artifact.", examples=["Prices and rates move."])
    product_docs: list[ProductDocument] = Field(description="Of the traded instruments.", examples=[[]])


class EvidenceInputs(BaseModel):
    """The request with defaults; decimals are text in normal form."""

    portfolio_snapshot: PortfolioSnapshot = Field(description="The portfolio as it was computed from.")
    market_data_snapshot: MarketDataSnapshot = Field(description="Prices and rates as they were computed with.")
    shelf_entries: list[ShelfEntry] = Field(description="The shelf as it was computed with.", examples=[[]])
    options: EngineOptions = Field(description="All options of the engine, defaults included.")
    proposed_cash_flows: list[ProposedCashFlow] = Field(
        description="Cash flows of the request, in their order.", examples=[[]]
    )
    proposed_trades: list[ProposedTrade] = Field(description="Trades of the request, in their order.", examples=[[]])
    reference_model: ReferenceModel | None = Field(
        description="The model of the request; null when it has none.", examples=[None]
    )


class EngineOutputs(BaseModel):
    """The computed result."""

    proposal_result: ProposalResult = Field(description="The whole result, as the version has it.")


class EvidenceHashes(BaseModel):
    """Hashes of request and artifact."""

    request_hash: Hash = Field(description="Hash of the request.", examples=[HASH_EXAMPLE])
    artifact_hash: Hash = Field(
        description="Hash of the artifact without time, caller and this hash.", examples=[HASH_EXAMPLE]
    )


class EvidenceBundle(BaseModel):
    """Everything that is needed to compute the artifact again."""

    inputs: EvidenceInputs = Field(description="The request, with defaults.")
    engine_outputs: EngineOutputs = Field(description="The computed result.")
    hashes: EvidenceHashes = Field(description="Hashes of request and artifact.")
    engine_version: str = Field(description="The engine that computed it.", examples=["1.0.0"])


class ProposalArtifact(BaseModel):
    """The package that people read and approve."""

    artifact_id: ArtifactId = Field(description="Derived from the run.", examples=[f"pa_{HEX}"])
    proposal_run_id: RunId = Field(
        description="The run that computed the result; the same request has the same run id.", examples=[f"pr_{HEX}"]
    )
    correlation_id: str = Field(description="Hash of the request.", examples=["crm/case/4711"])
    created_at: TimestampText = Field(description="When the request was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    status: SimulationStatus = Field(description="Status of the simulation.", examples=["READY"])
    gate_decision: GateDecision = Field(description="Which review comes next.")
    summary: ArtifactSummary = Field(description="The proposal at a glance.")
    portfolio_impact: PortfolioImpact = Field(description="Before and after.")
    trades_and_funding: TradesAndFunding = Field(description="Trades and exchanges to execute.")
    suitability_summary: SuitabilitySummary = Field(description="Summary of the suitability scan.")
    assumptions_and_limits: AssumptionsAndLimits = Field(
        description="Assumptions, and costs and taxes that the numbers leave out."
    )
    disclosures: Disclosures = Field(description="Disclosures to the bank's customer.")
    evidence_bundle: EvidenceBundle = Field(description="Inputs and outputs of the computation, with their hashes.")

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

    code: str = Field(description="Subject.", examples=["CASH"])
    value: str = Field(description="Text for people.", examples=["0.1573 before, 0.1200 after"])


class CodedText(BaseModel):
    """A text with a code."""

    code: str = Field(description="Subject.", examples=["DEPENDENCY"])
    text: str = Field(
        description="Text for people.", examples=["Execute a trade only after the intents that it depends on."]
    )


class ArtifactSummary(BaseModel):
    """The proposal at a glance."""

    title: str = Field(description="Text for people.", examples=["Proposal for portfolio pf_1"])
    objective_tags: list[ObjectiveTag] = Field(description="Purposes of the proposal.", examples=[["RISK_ALIGNMENT"]])
    advisor_notes: list[CodedText] = Field(description="Always empty.", examples=[[]])
    recommended_next_step: ArtifactNextStep = Field(description="What to do next.", examples=["CLIENT_CONSENT"])
    key_takeaways: list[Takeaway] = Field(description="STATUS, INTENTS, CASH, DRIFT, SUITABILITY.", examples=[[]])


class ImpactSide(BaseModel):
    """One side of the impact, heaviest rows first."""

    total_value: MoneyText = Field(description="Everything, in the base currency.", examples=[MONEY_EXAMPLE])
    allocation_by_asset_class: list[AllocationMetric] = Field(description="Heaviest first.", examples=[[]])
    allocation_by_instrument: list[AllocationMetric] = Field(description="Heaviest first.", examples=[[]])


class WeightChange(BaseModel):
    """How an instrument's weight changes."""

    bucket_type: Literal["INSTRUMENT"] = Field(description="Kind of bucket.", examples=["INSTRUMENT"])
    bucket_id: str = Field(description="The instrument.", examples=["EQ_US_TECH"])
    weight_before: Weight = Field(description="Before.", examples=["0.1000"])
    weight_after: Weight = Field(description="After.", examples=["0.1200"])
    delta: Weight = Field(description="After less before.", examples=["0.0200"])


class ImpactDelta(BaseModel):
    """The change."""

    total_value_delta: MoneyText = Field(description="After less before.", examples=[MONEY_EXAMPLE])
    largest_weight_changes: list[WeightChange] = Field(description="Largest first.", examples=[[]])


class PortfolioImpact(BaseModel):
    """Before and after."""

    before: ImpactSide = Field(description="Before.")
    after: ImpactSide = Field(description="After.")
    delta: ImpactDelta = Field(description="The change.")
    reconciliation: ReconciliationResult = Field(description="The totals, compared.")


class ArtifactTrade(BaseModel):
    """A trade as people read it."""

    intent_id: str = Field(description="The intent.", examples=["oi_1"])
    type: Literal["SECURITY_TRADE"] = Field(description="Kind.", examples=["SECURITY_TRADE"])
    instrument_id: str = Field(description="The instrument.", examples=["EQ_US_TECH"])
    side: TradeSide = Field(description="Direction.", examples=["BUY"])
    quantity: DecimalText = Field(description="Units, without trailing zeros.", examples=["10"])
    estimated_notional: MoneyText | None = Field(description="In the currency of the price.", examples=[MONEY_EXAMPLE])
    estimated_notional_base: MoneyText | None = Field(description="In the base currency.", examples=[MONEY_EXAMPLE])
    dependencies: list[str] = Field(description="Intents that must come first.", examples=[[]])
    rationale: Rationale = Field(
        description="The reason.", examples=[{"code": "MANUAL_PROPOSAL", "message": "Proposed by the advisor"}]
    )


class ArtifactFx(BaseModel):
    """An exchange as people read it."""

    intent_id: str = Field(description="The intent.", examples=["oi_fx_1"])
    pair: str = Field(description="Bought and sold currency.", examples=["USD/SGD"])
    buy_amount: DecimalText = Field(description="Without trailing zeros.", examples=["1000"])
    sell_amount_estimated: DecimalText = Field(description="Without trailing zeros.", examples=["1350"])
    rate: DecimalText | None = Field(
        description="Units sold for one bought; 12 digits when only the inverse was given. Engines before 2.0.0 show "
        "4 decimals, and null instead of the inverse.",
        examples=["1.35"],
    )


class DroppedTrade(BaseModel):
    """A trade that was not made, as it was requested."""

    intent_id: str = Field(description="Its number in the request.", examples=["oi_2"])
    instrument_id: str = Field(description="The instrument.", examples=["EQ_US_TECH"])
    side: TradeSide = Field(description="Direction.", examples=["BUY"])
    quantity: DecimalText | None = Field(description="Units; null when it was sized by notional.", examples=["10"])
    notional: MoneyText | None = Field(description="Value; null when it was sized by quantity.", examples=[None])
    reason: DropReason = Field(description="The reason.", examples=["MISSING_PRICE"])


class TradesAndFunding(BaseModel):
    """Trades and exchanges to execute."""

    trade_list: list[ArtifactTrade] = Field(description="In order.", examples=[[]])
    fx_list: list[ArtifactFx] = Field(description="By pair.", examples=[[]])
    dropped_trades: list[DroppedTrade] = Field(
        [],
        description="Trades that were not made, in request order; absent in artifacts of engines before 2.0.0.",
        examples=[[]],
    )
    ordering_policy: OrderingPolicy = Field(description="Order of execution.", examples=["CASH_FLOW->SELL->FX->BUY"])
    execution_notes: list[CodedText] = Field(description="Notes for execution.", examples=[[]])


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
    issues: list[SuitabilityIssue] = Field(description="All issues.", examples=[[]])


class PricingAssumptions(BaseModel):
    """Where prices come from."""

    market_data_snapshot_id: str = Field(description="The snapshot.", examples=["md_20260222"])
    prices_as_of: str = Field(description="The snapshot.", examples=["md_20260222"])
    fx_as_of: str = Field(description="The snapshot.", examples=["md_20260222"])
    valuation_mode: ValuationMode = Field(description="As it was asked for.", examples=["CALCULATED"])


class Inclusion(BaseModel):
    """Whether a topic is modelled."""

    included: bool = Field(description="Always false.", examples=[False])
    notes: str = Field(description="Text for people.", examples=["Taxes are not modelled."])


class AssumptionsAndLimits(BaseModel):
    """Assumptions, and costs and taxes that the numbers leave out."""

    pricing: PricingAssumptions = Field(description="Where prices come from.")
    costs_and_fees: Inclusion = Field(description="Costs.")
    tax: Inclusion = Field(description="Taxes.")
    execution: Inclusion = Field(description="Execution.")


class ProductDocument(BaseModel):
    """Where to read about an instrument."""

    instrument_id: str = Field(description="The instrument.", examples=["EQ_US_TECH"])
    doc_ref: str = Field(description="The reference.", examples=["See the product documents of this instrument."])


class Disclosures(BaseModel):
    """Disclosures to the bank's customer."""

    risk_disclaimer: str = Field(description="Fixed text.", examples=["Prices and rates move."])
    product_docs: list[ProductDocument] = Field(description="Of the traded instruments.", examples=[[]])


class EvidenceInputs(BaseModel):
    """The request with defaults; decimals are text in normal form."""

    portfolio_snapshot: PortfolioSnapshot = Field(description="The portfolio.")
    market_data_snapshot: MarketDataSnapshot = Field(description="The market.")
    shelf_entries: list[ShelfEntry] = Field(description="The shelf.", examples=[[]])
    options: EngineOptions = Field(description="The options.")
    proposed_cash_flows: list[ProposedCashFlow] = Field(description="The flows.", examples=[[]])
    proposed_trades: list[ProposedTrade] = Field(description="The trades.", examples=[[]])
    reference_model: ReferenceModel | None = Field(description="The model.", examples=[None])


class EngineOutputs(BaseModel):
    """The computed result."""

    proposal_result: ProposalResult = Field(description="The whole result.")


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
    proposal_run_id: RunId = Field(description="The run.", examples=[f"pr_{HEX}"])
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

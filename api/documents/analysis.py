"""Drift and suitability."""

from typing import Literal

from pydantic import BaseModel, Field
from typing_extensions import TypeAliasType

from api.wire import DecimalText
from domain.options import Severity

SuitabilityDimension = TypeAliasType(
    "SuitabilityDimension", Literal["CONCENTRATION", "ISSUER", "LIQUIDITY", "GOVERNANCE", "CASH", "DATA_QUALITY"]
)
SuitabilityChange = TypeAliasType("SuitabilityChange", Literal["NEW", "PERSISTENT", "RESOLVED"])
RecommendedReview = TypeAliasType("RecommendedReview", Literal["NONE", "RISK_REVIEW", "COMPLIANCE_REVIEW"])


class DriftBucket(BaseModel):
    """One bucket against its target; fractions of the total, unrounded."""

    bucket: str = Field(description="Asset class or instrument.", examples=["EQUITY"])
    model_weight: DecimalText = Field(
        description="Target weight of the model, a fraction; 0 for a bucket that the model does not have.",
        examples=["0.60"],
    )
    portfolio_weight_before: DecimalText = Field(
        description="Weight before the proposal, a fraction of the total.", examples=["0.5"]
    )
    portfolio_weight_after: DecimalText = Field(
        description="Weight after the proposal, a fraction of the total.", examples=["0.6"]
    )
    drift_before: DecimalText = Field(
        description="Weight before less target: negative when there is too little.", examples=["-0.10"]
    )
    drift_after: DecimalText = Field(
        description="Weight after less target: negative when there is too little.", examples=["0.00"]
    )
    abs_drift_before: DecimalText = Field(description="Absolute value of the drift.", examples=["0.10"])
    abs_drift_after: DecimalText = Field(description="Absolute value of the drift.", examples=["0.00"])
    improvement: DecimalText = Field(description="Reduction of the absolute drift.", examples=["0.10"])


class DriftDimension(BaseModel):
    """Drift over one kind of bucket."""

    drift_total_before: DecimalText = Field(description="Half the sum of the sizes.", examples=["0.10"])
    drift_total_after: DecimalText = Field(description="Half the sum of the sizes.", examples=["0.00"])
    drift_total_delta: DecimalText = Field(
        description="Total drift after less before: negative when the proposal comes nearer to the model.",
        examples=["-0.10"],
    )
    top_contributors_before: list[DriftBucket] = Field(
        description="The buckets with the most drift before the proposal, largest first.", examples=[[]]
    )
    buckets: list[DriftBucket] = Field(description="All buckets of portfolio and model, by name.", examples=[[]])


class DriftImprovement(BaseModel):
    """How a bucket changed."""

    bucket: str = Field(description="Asset class or instrument of the change.", examples=["EQUITY"])
    improvement: DecimalText = Field(description="Negative when it got worse.", examples=["0.10"])


class UnmodeledExposure(BaseModel):
    """A bucket that the model does not contain."""

    bucket: str = Field(description="Asset class or instrument that the model lacks.", examples=["COMMODITY"])
    portfolio_weight_before: DecimalText = Field(
        description="Weight before the proposal, a fraction of the total.", examples=["0.05"]
    )
    portfolio_weight_after: DecimalText = Field(
        description="Weight after the proposal, a fraction of the total.", examples=["0.02"]
    )
    max_portfolio_weight: DecimalText = Field(description="The larger of the two weights.", examples=["0.05"])


class DriftHighlights(BaseModel):
    """The largest changes."""

    largest_improvements: list[DriftImprovement] = Field(
        description="Buckets that come nearer to their target, most improved first.", examples=[[]]
    )
    largest_deteriorations: list[DriftImprovement] = Field(
        description="Buckets that move away from their target, worst first.", examples=[[]]
    )
    unmodeled_exposures: list[UnmodeledExposure] = Field(
        description="Buckets without a target, largest weight first.", examples=[[]]
    )


class DriftModel(BaseModel):
    """The model that was measured against."""

    model_id: str = Field(description="Id of the reference model, as it was sent.", examples=["balanced_sgd"])
    as_of: str = Field(description="Its date, as it was sent.", examples=["2026-01-01"])
    base_currency: str = Field(
        description="Currency of the model; that of the portfolio, or there is no drift analysis.", examples=["SGD"]
    )


class DriftAnalysis(BaseModel):
    """How far the portfolio is from its model."""

    reference_model: DriftModel = Field(
        description="The model that the weights are compared with.",
        examples=[{"model_id": "balanced_sgd", "as_of": "2026-01-01", "base_currency": "SGD"}],
    )
    asset_class: DriftDimension = Field(description="Drift over the asset classes of the model.")
    instrument: DriftDimension | None = Field(description="By instrument; null without targets.", examples=[None])
    highlights: DriftHighlights = Field(description="The largest changes.")


class SuitabilitySnapshots(BaseModel):
    """The scanned snapshots."""

    portfolio_snapshot_id: str = Field(
        description="Snapshot id of the portfolio, else its portfolio id.", examples=["ps_20260222"]
    )
    market_data_snapshot_id: str = Field(
        description="Snapshot id of prices and rates, else `md`.", examples=["md_20260222"]
    )


class SuitabilityEvidence(BaseModel):
    """Snapshots behind an issue."""

    as_of: str = Field(description="Snapshot id of prices and rates, else `md`.", examples=["md_20260222"])
    snapshot_ids: SuitabilitySnapshots = Field(description="The snapshots that were scanned.")


class SuitabilityIssue(BaseModel):
    """A finding for reviewers."""

    issue_id: str = Field(
        description="The rule that found it, such as SUIT_SINGLE_POSITION_MAX.", examples=["SUIT_SINGLE_POSITION_MAX"]
    )
    issue_key: str = Field(
        description="Key of the issue, the same in every version.", examples=["SINGLE_POSITION_MAX|EQ_US_TECH"]
    )
    dimension: SuitabilityDimension = Field(description="What the rule looks at.", examples=["CONCENTRATION"])
    severity: Severity = Field(
        description="HIGH calls for compliance, MEDIUM for risk, LOW for neither.", examples=["MEDIUM"]
    )
    status_change: SuitabilityChange = Field(description="Change from before to after.", examples=["NEW"])
    summary: str = Field(
        description="One sentence for reviewers. Decide by `issue_id` and `issue_key`.",
        examples=["EQ_US_TECH is at 11.00%, above its limit of 10.00%."],
    )
    details: dict[str, str] = Field(
        description="Codes and unrounded weights.",
        examples=[{"instrument_id": "EQ_US_TECH", "threshold": "0.10", "measured": "0.11"}],
    )
    evidence: SuitabilityEvidence = Field(description="Snapshots behind the issue.")


class SuitabilityCounts(BaseModel):
    """Numbers of issues."""

    new_count: int = Field(description="Issues that only the portfolio after the proposal has.", examples=[1])
    resolved_count: int = Field(description="Issues that only the portfolio before the proposal has.", examples=[0])
    persistent_count: int = Field(description="Issues of both portfolios.", examples=[0])
    highest_severity_new: Severity | None = Field(
        description="Highest severity of the new issues; null without any.", examples=["MEDIUM"]
    )


class SuitabilityResult(BaseModel):
    """The scan of both sides."""

    summary: SuitabilityCounts = Field(description="Numbers of issues.")
    issues: list[SuitabilityIssue] = Field(description="By change, severity, dimension, key.", examples=[[]])
    recommended_gate: RecommendedReview = Field(
        description="Review that the new issues call for.", examples=["RISK_REVIEW"]
    )

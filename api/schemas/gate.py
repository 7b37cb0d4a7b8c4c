"""The gate decision: which review a proposal should pass next."""

from typing import Literal

from pydantic import BaseModel, Field

GateName = Literal[
    "BLOCKED",
    "RISK_REVIEW_REQUIRED",
    "COMPLIANCE_REVIEW_REQUIRED",
    "CLIENT_CONSENT_REQUIRED",
    "EXECUTION_READY",
    "NONE",
]
NextStep = Literal["FIX_INPUT", "RISK_REVIEW", "COMPLIANCE_REVIEW", "REQUEST_CLIENT_CONSENT", "EXECUTE", "NONE"]


class GateReason(BaseModel):
    """One reason for the gate."""

    reason_code: str = Field(description="What was found.", examples=["HARD_RULE_FAIL:NO_SHORTING"])
    severity: Literal["LOW", "MEDIUM", "HIGH"] = Field(description="How bad.", examples=["HIGH"])
    source: Literal["RULE_ENGINE", "SUITABILITY", "DATA_QUALITY"] = Field(
        description="Who found it.", examples=["RULE_ENGINE"]
    )
    details: dict[str, str] = Field(
        description="Codes and counts.", examples=[{"reason_code": "SELL_EXCEEDS_HOLDINGS"}]
    )


class GateSummary(BaseModel):
    """Counts behind the gate."""

    hard_fail_count: int = Field(description="Hard rules failed.", examples=[0])
    soft_fail_count: int = Field(description="Soft rules failed.", examples=[0])
    new_high_suitability_count: int = Field(description="New issues of severity HIGH.", examples=[0])
    new_medium_suitability_count: int = Field(description="New issues of severity MEDIUM.", examples=[1])


class GateDecision(BaseModel):
    """Advice only: it constrains no transition."""

    gate: GateName = Field(description="The gate.", examples=["CLIENT_CONSENT_REQUIRED"])
    recommended_next_step: NextStep = Field(description="What to do next.", examples=["REQUEST_CLIENT_CONSENT"])
    reasons: list[GateReason] = Field(description="By severity, source, code.", examples=[[]])
    summary: GateSummary = Field(
        description="Counts.",
        examples=[
            {
                "hard_fail_count": 0,
                "soft_fail_count": 0,
                "new_high_suitability_count": 0,
                "new_medium_suitability_count": 0,
            }
        ],
    )

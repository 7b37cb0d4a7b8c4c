"""A phrase for each value of the enums of the OpenAPI document that a client sends, or decides by."""

from collections.abc import Mapping
from typing import Any, Final

_STATES: Final = {
    "DRAFT": "created, or a new version was added under strict version binding",
    "RISK_REVIEW": "waits for the decision of risk",
    "COMPLIANCE_REVIEW": "waits for the decision of compliance",
    "AWAITING_CLIENT_CONSENT": "approved; waits for the consent of the bank's customer",
    "EXECUTION_READY": "the customer consents",
    "EXECUTED": "final: the trades were made, elsewhere",
    "REJECTED": "final: risk, compliance or the customer refused",
    "CANCELLED": "final: withdrawn",
    "EXPIRED": "final: not executed in time",
}
_SENT_EVENTS: Final = {
    "SUBMITTED_FOR_RISK_REVIEW": "from DRAFT to RISK_REVIEW",
    "SUBMITTED_FOR_COMPLIANCE_REVIEW": "from DRAFT to COMPLIANCE_REVIEW",
    "RISK_APPROVED": "from RISK_REVIEW to AWAITING_CLIENT_CONSENT",
    "COMPLIANCE_APPROVED": "from COMPLIANCE_REVIEW to AWAITING_CLIENT_CONSENT",
    "CLIENT_CONSENT_RECORDED": "from AWAITING_CLIENT_CONSENT to EXECUTION_READY",
    "REJECTED": "from either review, or from AWAITING_CLIENT_CONSENT",
    "EXECUTED": "from EXECUTION_READY: the trades were made, elsewhere",
    "EXPIRED": "from EXECUTION_READY: not executed in time",
    "CANCELLED": "from any state that is not final",
}
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "ApprovalType": {
        "RISK": "the decision that RISK_REVIEW waits for",
        "COMPLIANCE": "the decision that COMPLIANCE_REVIEW waits for",
        "CLIENT_CONSENT": "the decision that AWAITING_CLIENT_CONSENT waits for",
    },
    "CallbackStatus": {
        "NOT_DUE": "the operation has not ended",
        "PENDING": "the next attempt is due at `next_attempt_at`",
        "DELIVERED": "the receiver returned 2xx",
        "FAILED": "given up; it can be delivered again",
    },
    "EventType": {
        "CREATED": "the service alone records it, with the first version",
        **_SENT_EVENTS,
        "EXECUTION_REQUESTED": "never recorded; it is there for compatibility",
        "NEW_VERSION_CREATED": "the service alone records it, with each further version",
    },
    "FundingSource": {
        "BASE_ONLY": "only cash in the base currency pays for buys in other currencies",
        "ANY_CASH": "cash in any currency pays",
    },
    "GateName": {
        "BLOCKED": "a hard rule failed: correct the input",
        "RISK_REVIEW_REQUIRED": "a soft rule failed, or a new issue is MEDIUM",
        "COMPLIANCE_REVIEW_REQUIRED": "a new issue is HIGH",
        "CLIENT_CONSENT_REQUIRED": "nothing stands in the way but the customer's consent",
        "EXECUTION_READY": "nothing stands in the way, and the customer has consented",
        "NONE": "never returned",
    },
    "LiquidityTier": {
        "L1": "the most liquid",
        "L2": "less liquid than L1",
        "L3": "less liquid than L2",
        "L4": "less liquid than L3",
        "L5": "the least liquid",
    },
    "ListOrder": {
        "newest": "the newest proposals first",
        "waiting": "the proposals whose last event is longest ago first",
    },
    "OperationStatus": {
        "PENDING": "committed; no worker has begun it, or one has begun it a moment ago",
        "RUNNING": "a worker has begun it and needs more than a moment",
        "SUCCEEDED": "final: the result is committed",
        "FAILED": "final: `error` says why; nothing was made, and the key is free",
    },
    "OperationType": {
        "CREATE_PROPOSAL": "makes a proposal and its first version",
        "CREATE_PROPOSAL_VERSION": "adds a version to a proposal",
        "ANALYZE_SCENARIOS": "computes a batch",
        "SIMULATE_PROPOSAL": "computes a result and an artifact without a proposal",
    },
    "ProposalState": _STATES,
    "Severity": {
        "LOW": "calls for no review",
        "MEDIUM": "calls for a risk review when the issue is new",
        "HIGH": "calls for a compliance review when the issue is new",
    },
    "ShelfStatus": {
        "APPROVED": "may be bought and sold",
        "RESTRICTED": "may be bought with the option `allow_restricted` only",
        "BANNED": "may not be bought; holding it is an issue",
        "SUSPENDED": "may not be bought; holding it is an issue",
        "SELL_ONLY": "may not be bought",
    },
    "SimulationStatus": {
        "READY": "no rule failed",
        "PENDING_REVIEW": "a soft rule failed, and no hard one",
        "BLOCKED": "a hard rule failed; it can be submitted for review all the same",
    },
    "TargetMethod": {"HEURISTIC": "not read by advice", "SOLVER": "not read by advice"},
    "TerminalStatus": {
        "SUCCEEDED": "the run has a result; BLOCKED is a result, too",
        "FAILED": "`error` of the run says why it has no result",
    },
    "TradeSide": {"BUY": "units are bought", "SELL": "units are sold"},
    "TransitionEvent": _SENT_EVENTS,
    "ValuationMode": {
        "CALCULATED": "positions are worth quantity times price",
        "TRUST_SNAPSHOT": "the custodian's market value stands in place of the price",
    },
}


def describe_enums(schemas: Mapping[str, dict[str, Any]]) -> None:
    """Add to the schema of each enum what its values mean, as a list in Markdown."""
    for name, words in WORDS.items():
        schemas[name]["description"] = "\n".join(f"- `{value}`: {words[value]}." for value in schemas[name]["enum"])

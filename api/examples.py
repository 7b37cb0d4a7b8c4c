"""What the OpenAPI document shows as examples: whole bodies, the engine's documents, and answers that differ.

Every other answer is put together of the examples of its fields (`api.http.examples`).
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel

from api.http.examples import REMOVED, Examples
from api.requests import (
    CALLBACK_EXAMPLE,
    AnalyzeScenariosRequest,
    CreateProposalRequest,
    CreateVersionRequest,
    SimulateProposalRequest,
    SimulationInput,
)
from api.reviews import ApprovalRequest, TransitionRequest
from api.wire import PROPOSAL_ID_EXAMPLE, TIMESTAMP_EXAMPLE
from domain.batch.request import ANALYZE_EXAMPLE
from domain.evidence import artifact_parts, evidence_of, stored_request_hash
from domain.options import EngineOptions
from domain.request import EXAMPLE, SimulateRequest, request_document

KEY: Final = "7c1f4c8e-advice-2026-02-22"
CORRELATION_ID: Final = "crm/case/4711"
COMMENT: Final = {"comment": "within limits"}

_OPTIONS: Final = {
    name: value
    for name, value in EngineOptions(enable_proposal_simulation=True).model_dump(mode="json").items()
    if EngineOptions.model_fields[name].json_schema_extra is None
}
_SIMULATION: Final[dict[str, Any]] = {
    "portfolio_snapshot": {
        "snapshot_id": "ps_20260222",
        "portfolio_id": "pf_1",
        "base_currency": "SGD",
        "positions": [
            {
                "instrument_id": "EQ_US_TECH",
                "quantity": "120",
                "market_value": {"amount": "30000.00", "currency": "USD"},
                "lots": [
                    {
                        "lot_id": "lot_1",
                        "quantity": "120",
                        "unit_cost": {"amount": "98.20", "currency": "USD"},
                        "purchase_date": "2024-05-17",
                    }
                ],
            }
        ],
        "cash_balances": [{"currency": "SGD", "amount": "50000.00", "settled": "49000.00", "pending": "1000.00"}],
    },
    "market_data_snapshot": {
        "snapshot_id": "md_20260222",
        "prices": [
            {"instrument_id": "EQ_US_TECH", "price": "250.00", "currency": "USD"},
            {"instrument_id": "FI_SG_GOVT", "price": "101.20", "currency": "SGD"},
        ],
        "fx_rates": [{"pair": "USD/SGD", "rate": "1.35"}],
    },
    "shelf_entries": [
        {
            "instrument_id": "EQ_US_TECH",
            "status": "APPROVED",
            "asset_class": "EQUITY",
            "issuer_id": "ISS_TECH",
            "liquidity_tier": "L1",
            "settlement_days": 2,
            "min_notional": {"amount": 100, "currency": "USD"},
            "attributes": {"region": "US"},
        },
        {"instrument_id": "FI_SG_GOVT", "status": "APPROVED", "asset_class": "FIXED_INCOME", "issuer_id": "ISS_GOVT"},
    ],
    "options": _OPTIONS | {"single_position_max_weight": "0.60", "link_buy_to_same_currency_sell_dependency": True},
    "proposed_cash_flows": [
        {"intent_type": "CASH_FLOW", "currency": "SGD", "amount": "-500.00", "description": "Withdrawal for tuition"}
    ],
    "proposed_trades": [
        {"intent_type": "SECURITY_TRADE", "side": "SELL", "instrument_id": "EQ_US_TECH", "quantity": "20"},
        {"side": "BUY", "instrument_id": "FI_SG_GOVT", "notional": {"amount": "10120.00", "currency": "SGD"}},
    ],
    "reference_model": {
        "model_id": "balanced_sgd",
        "as_of": "2026-01-01",
        "base_currency": "SGD",
        "asset_class_targets": [
            {"asset_class": "EQUITY", "weight": "0.60"},
            {"asset_class": "FIXED_INCOME", "weight": "0.40"},
        ],
        "instrument_targets": [{"instrument_id": "EQ_US_TECH", "weight": "0.60"}],
    },
}
_NEW: Final = {"created_by": "advisor_1", "simulate_request": EXAMPLE}
_NEW_IN_FULL: Final = {"created_by": "advisor_1", "simulate_request": _SIMULATION}
_METADATA: Final = {
    "title": "Rebalance into quality",
    "advisor_notes": "Client prefers fewer positions.",
    "jurisdiction": "SG",
    "mandate_id": "mandate_9",
}
_SIZED: Final = [
    {"side": "SELL", "instrument_id": "EQ_US_TECH", "fraction_of_position": "0.1"},
    {"side": "BUY", "instrument_id": "FI_SG_GOVT", "fraction_of_portfolio": "0.05"},
]
_PART: Final = _SIMULATION | {"proposed_trades": [*_SIMULATION["proposed_trades"], *_SIZED]}
_WITH_CALLBACK: Final = {"callback": CALLBACK_EXAMPLE}

# The first of a body is what tools send unless they are told otherwise: it asks for no callback.
BODIES: Final[Mapping[type[BaseModel], Mapping[str, Any]]] = {
    SimulationInput: {"minimal": EXAMPLE, "full": _SIMULATION},
    SimulateProposalRequest: {"minimal": EXAMPLE, "full": _SIMULATION | _WITH_CALLBACK},
    CreateProposalRequest: {"minimal": _NEW, "full": _NEW_IN_FULL | {"metadata": _METADATA} | _WITH_CALLBACK},
    CreateVersionRequest: {
        "minimal": _NEW,
        "full": _NEW_IN_FULL | {"expected_current_version_no": 1} | _WITH_CALLBACK,
    },
    AnalyzeScenariosRequest: {
        "minimal": {name: ANALYZE_EXAMPLE[name] for name in ("created_by", "shared", "items")},
        "full": ANALYZE_EXAMPLE
        | {"shared": _PART, "items": [{"id": "pf_1", **_PART}]}
        | {"scenarios": {"trim": {"description": "sell a tenth", **_PART}}}
        | _WITH_CALLBACK,
    },
    TransitionRequest: {
        "minimal": {"event_type": "SUBMITTED_FOR_RISK_REVIEW", "actor_id": "advisor_1", "expected_state": "DRAFT"},
        "full": {
            "event_type": "SUBMITTED_FOR_RISK_REVIEW",
            "actor_id": "advisor_1",
            "related_version_no": 1,
            "expected_state": "DRAFT",
            "reason": {"comment": "ready"},
        },
    },
    ApprovalRequest: {
        "minimal": {
            "approval_type": "RISK",
            "approved": True,
            "actor_id": "reviewer_1",
            "expected_state": "RISK_REVIEW",
        },
        "full": {
            "approval_type": "RISK",
            "approved": True,
            "actor_id": "reviewer_1",
            "related_version_no": 1,
            "expected_state": "RISK_REVIEW",
            "details": COMMENT,
        },
    },
}

_SUBMITTED: Final = {
    "event_type": "SUBMITTED_FOR_RISK_REVIEW",
    "from_state": "DRAFT",
    "to_state": "RISK_REVIEW",
    "reason": {"comment": "ready"},
    "sequence": 2,
    "subject_hash": None,
}
_APPROVED: Final = {
    "event_type": "RISK_APPROVED",
    "from_state": "RISK_REVIEW",
    "to_state": "AWAITING_CLIENT_CONSENT",
    "actor_id": "reviewer_1",
    "reason": COMMENT,
    "sequence": 3,
}
_CANCELLED: Final = {
    "status": "FAILED",
    "proposal_id": None,
    "version_no": None,
    "started_at": None,
    "result": None,
    "error": {
        "code": "ProposalOperationCancelledError",
        "message": "OPERATION_CANCELLED",
        "problem": "OPERATION_CANCELLED",
    },
    "links": {"proposal": None},
}
# By operationId and status: where an answer is not what its fields' examples make together.
CHANGES: Final[Mapping[tuple[str, str], Mapping[str, Any]]] = {
    ("record_transition", "200"): {"current_state": "RISK_REVIEW", "latest_workflow_event": _SUBMITTED},
    ("record_approval", "200"): {
        "latest_workflow_event": _APPROVED,
        "approval": {
            "approval_id": "pap_01a209a6fe3673b5b26fcad9e08b0cdb",
            "proposal_id": PROPOSAL_ID_EXAMPLE,
            "approval_type": "RISK",
            "approved": True,
            "actor_id": "reviewer_1",
            "occurred_at": TIMESTAMP_EXAMPLE,
            "details": COMMENT,
            "related_version_no": 1,
        },
    },
    ("cancel_operation", "202"): _CANCELLED,
    ("list_operations", "200"): {"items": [{"result": REMOVED}]},
    ("ready", "503"): {"status": "unavailable", "database": "unreachable", "reason": "PostgreSQL cannot be reached."},
    ("ready", "200"): {"reason": REMOVED},
}


def documents() -> dict[str, Any]:
    """What the engine makes of the full example, by the names of schemas."""
    request = request_document(SimulateRequest.model_validate(_SIMULATION))
    evidence = evidence_of(
        request,
        kind="simulate",
        request_hash=stored_request_hash(request, kind="simulate"),
        correlation_id=CORRELATION_ID,
        idempotency_key=KEY,
        created_at=datetime(2026, 2, 22, 12, tzinfo=UTC).isoformat(timespec="microseconds"),
    )
    stored = {"inputs": evidence.built.inputs.encode(), "result": evidence.simulated.text.encode()}
    artifact = json.loads(b"".join(artifact_parts(evidence.built.artifact.encode(), **stored)))
    result = json.loads(evidence.simulated.text)
    return {
        "ProposalResult": result,
        "ProposalArtifact": artifact,
        "VersionEvidence": artifact["evidence_bundle"],
        "GateDecision": result["gate_decision"],
    }


EXAMPLES: Final = Examples(bodies=BODIES, documents=documents, changes=CHANGES)

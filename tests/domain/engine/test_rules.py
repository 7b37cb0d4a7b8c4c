"""The rules, the status and the gate."""

from typing import Any

import pytest
from engine_requests import simulated

from domain.engine.gate import decide_gate


def rules(result: dict[str, Any], rule_id: str) -> list[tuple[str, str, dict[str, str], str]]:
    return [
        (rule["status"], rule["measured"], rule["threshold"], rule["reason_code"])
        for rule in result["rule_results"]
        if rule["rule_id"] == rule_id
    ]


HALF: dict[str, Any] = {"positions": {"A": "50"}, "cash": {"USD": "50"}, "prices": {"A": "1 USD"}}


def test_a_quiet_proposal_passes_in_the_contracts_order() -> None:
    result = simulated(**HALF)
    assert [rule["rule_id"] for rule in result["rule_results"]] == [
        "CASH_BAND",
        "SINGLE_POSITION_MAX",
        "DATA_QUALITY",
        "MIN_TRADE_SIZE",
        "NO_SHORTING",
        "INSUFFICIENT_CASH",
    ]
    assert all(rule["status"] == "PASS" and rule["remediation_hint"] is None for rule in result["rule_results"])
    assert result["status"] == "READY"
    assert result["explanation"] == {"summary": "READY"}
    assert rules(result, "SINGLE_POSITION_MAX") == [("PASS", "0", {"max": "-1"}, "NO_LIMIT_SET")]


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [("0.5", "0.5", "PASS"), ("0.51", "1", "FAIL"), ("0", "0.49", "FAIL")],
)
def test_the_cash_band_includes_its_edges(low: str, high: str, status: str) -> None:
    result = simulated(**HALF, cash_band_min_weight=low, cash_band_max_weight=high)
    assert rules(result, "CASH_BAND") == [
        (status, "0.5", {"min": low, "max": high}, "OK" if status == "PASS" else "THRESHOLD_BREACH")
    ]
    assert result["status"] == ("READY" if status == "PASS" else "PENDING_REVIEW")


def test_each_position_above_the_limit_and_its_tolerance_is_a_breach() -> None:
    parts: dict[str, Any] = {
        "positions": {"A": "499", "B": "300", "C": "201"},
        "prices": {"A": "1 USD", "B": "1 USD", "C": "1 USD"},
    }
    breached = simulated(**parts, single_position_max_weight="0.2")
    assert rules(breached, "SINGLE_POSITION_MAX") == [
        ("FAIL", "0.499", {"max": "0.2"}, "LIMIT_BREACH"),
        ("FAIL", "0.3", {"max": "0.2"}, "LIMIT_BREACH"),
    ]
    assert breached["status"] == "BLOCKED"
    assert rules(simulated(**parts, single_position_max_weight="0.498"), "SINGLE_POSITION_MAX") == [
        ("PASS", "0.499", {"max": "0.498"}, "OK")
    ]


def test_the_most_negative_balance_is_measured() -> None:
    result = simulated(cash={"USD": "100", "EUR": "-3", "CHF": "-7.50"}, rates={"EUR/USD": "1", "CHF/USD": "1"})
    assert rules(result, "INSUFFICIENT_CASH") == [("FAIL", "-7.50", {"min": "0"}, "CASH_BALANCE_NEGATIVE")]


@pytest.mark.parametrize(
    ("parts", "gate", "step"),
    [
        ({}, "CLIENT_CONSENT_REQUIRED", "REQUEST_CLIENT_CONSENT"),
        ({"client_consent_already_obtained": True}, "EXECUTION_READY", "EXECUTE"),
        ({"workflow_requires_client_consent": False}, "CLIENT_CONSENT_REQUIRED", "REQUEST_CLIENT_CONSENT"),
        ({"cash_band_max_weight": "0.1"}, "RISK_REVIEW_REQUIRED", "RISK_REVIEW"),
        (
            {
                "trades": ["BUY A 10"],
                "thresholds": {"cash_band_min_weight": "0.45"},
                "client_consent_already_obtained": True,
            },
            "RISK_REVIEW_REQUIRED",
            "RISK_REVIEW",
        ),
        (
            {
                "trades": ["BUY A 10"],
                "thresholds": {"single_position_max_weight": "0.5"},
                "cash_band_max_weight": "0.1",
            },
            "RISK_REVIEW_REQUIRED",
            "RISK_REVIEW",
        ),
        (
            {
                "trades": ["BUY B 40"],
                "prices": {"A": "1 USD", "B": "1 USD"},
                "thresholds": {"single_position_max_weight": "0.3"},
            },
            "COMPLIANCE_REVIEW_REQUIRED",
            "COMPLIANCE_REVIEW",
        ),
        ({"trades": ["SELL A 60"]}, "BLOCKED", "FIX_INPUT"),
    ],
)
def test_the_first_gate_that_matches_is_the_gate(parts: dict[str, Any], gate: str, step: str) -> None:
    decision = simulated(**(HALF | parts))["gate_decision"]
    assert (decision["gate"], decision["recommended_next_step"]) == (gate, step)


def test_reasons_are_sorted_and_counted() -> None:
    result = simulated(
        positions={"A": "50", "Z": "1"},
        cash={"USD": "50", "CHF": "1"},
        prices={"A": "1 USD", "B": "1 USD"},
        trades=["BUY B 40", "SELL A 51"],
        thresholds={"single_position_max_weight": "0.38", "cash_band_max_weight": "0.55"},
        cash_band_max_weight="0.3",
    )
    decision = result["gate_decision"]
    assert [(row["severity"], row["source"], row["reason_code"]) for row in decision["reasons"]] == [
        ("HIGH", "DATA_QUALITY", "DATA_QUALITY_MISSING_FX"),
        ("HIGH", "DATA_QUALITY", "DATA_QUALITY_MISSING_PRICE"),
        ("HIGH", "RULE_ENGINE", "HARD_RULE_FAIL:DATA_QUALITY"),
        ("HIGH", "RULE_ENGINE", "HARD_RULE_FAIL:NO_SHORTING"),
        ("MEDIUM", "RULE_ENGINE", "SOFT_RULE_FAIL:CASH_BAND"),
        ("MEDIUM", "SUITABILITY", "NEW_MEDIUM_SUITABILITY_ISSUE"),
        ("MEDIUM", "SUITABILITY", "NEW_MEDIUM_SUITABILITY_ISSUE"),
    ]
    assert decision["summary"] == {
        "hard_fail_count": 2,
        "soft_fail_count": 1,
        "new_high_suitability_count": 0,
        "new_medium_suitability_count": 2,
    }


def test_a_low_issue_is_no_reason() -> None:
    issue = {"issue_id": "I", "issue_key": "K", "severity": "LOW", "status_change": "NEW"}
    decision = decide_gate(
        status="READY",
        rule_results=[],
        suitability={"issues": [issue]},
        data_quality={"price_missing": [], "fx_missing": [], "shelf_missing": []},
        is_consent_obtained=True,
    )
    assert (decision["gate"], decision["reasons"]) == ("EXECUTION_READY", [])

"""What people read (D15, D21, D26)."""

import json
from typing import Any

import pytest
from engine_requests import CREATED_AT, a_model, a_simulation, evidence_of, failed_rules, result_of

REBALANCED: dict[str, Any] = {
    "positions": {"A": "60", "B": "20"},
    "cash": {"USD": "500"},
    "prices": {"A": "1.00 USD", "B": "1 USD", "E": "10 EUR"},
    "rates": [{"pair": "EUR/USD", "rate": "1.123449"}],
    "trades": ["SELL A 20.00", "BUY E 10.0"],
}


def artifact_of(**parts: Any) -> dict[str, Any]:
    artifact: dict[str, Any] = json.loads(evidence_of(a_simulation(**parts))[1])
    return artifact


def takeaways(artifact: dict[str, Any]) -> list[str]:
    return [row["code"] for row in artifact["summary"]["key_takeaways"]]


def test_the_summary_says_what_the_proposal_is_for() -> None:
    idle = artifact_of(cash={"USD": "1"}, enable_suitability_scanner=False)
    assert idle["summary"]["objective_tags"] == ["PORTFOLIO_MAINTENANCE"]
    assert takeaways(idle) == ["STATUS", "INTENTS", "CASH"]
    busy = artifact_of(**REBALANCED, flows=["1 USD"], model=a_model(classes={"EQUITY": "0.5", "CASH": "0.5"}))
    assert busy["summary"]["objective_tags"] == ["RISK_ALIGNMENT", "CASH_DEPLOYMENT", "DRIFT_REDUCTION"]
    assert takeaways(busy) == ["STATUS", "INTENTS", "CASH", "DRIFT", "SUITABILITY"]
    assert busy["summary"]["key_takeaways"][1]["value"] == "security trades: 2, FX trades: 1"
    assert busy["created_at"] == CREATED_AT


def test_impact_rows_are_sorted_by_weight_and_changes_by_size() -> None:
    impact = artifact_of(**REBALANCED, drift_top_contributors_limit=1)["portfolio_impact"]
    assert [row["key"] for row in impact["after"]["allocation_by_instrument"]] == ["E", "A", "B"]
    assert [row["key"] for row in impact["before"]["allocation_by_asset_class"]] == ["CASH", "EQUITY"]
    assert impact["delta"]["largest_weight_changes"] == [
        {
            "bucket_type": "INSTRUMENT",
            "bucket_id": "E",
            "weight_before": "0.0000",
            "weight_after": "0.1937",
            "delta": "0.1937",
        }
    ]


def test_trades_are_shown_in_plain_numbers() -> None:
    shown = artifact_of(**REBALANCED)["trades_and_funding"]
    assert [(row["side"], row["quantity"], row["dependencies"]) for row in shown["trade_list"]] == [
        ("SELL", "20", []),
        ("BUY", "10", ["oi_fx_1"]),
    ]
    assert shown["fx_list"] == [
        {
            "intent_id": "oi_fx_1",
            "pair": "EUR/USD",
            "buy_amount": "100",
            "sell_amount_estimated": "112.34",
            "rate": "1.123449",
        }
    ]
    assert [note["code"] for note in shown["execution_notes"]] == ["DEPENDENCY"]
    assert artifact_of(**REBALANCED)["disclosures"]["product_docs"][0]["instrument_id"] == "A"


@pytest.mark.parametrize(
    ("rates", "shown"),
    [
        ({"EUR/USD": "1.10"}, "1.1"),
        ({"EUR/USD": "0.0000843"}, "0.0000843"),
        ({"EUR/USD": "1E+1"}, "10"),
        ({"EUR/USD": "1.123456789012345678901234"}, "1.123456789012345678901234"),
        ({"USD/EUR": "0.9"}, "1.11111111111"),
        ({"USD/EUR": "0.8"}, "1.25"),
        ({"USD/EUR": "11862.3962"}, "0.0000843000000287"),
        ({"EUR/USD": "1.1", "USD/EUR": "0.8"}, "1.1"),
    ],
)
def test_d21_the_rate_is_the_one_that_funding_used(rates: dict[str, str], shown: str) -> None:
    (row,) = artifact_of(**REBALANCED | {"rates": rates, "cash": {"USD": "5000"}})["trades_and_funding"]["fx_list"]
    assert row["rate"] == shown


def test_d26_the_artifact_shows_what_is_not_done_as_it_was_asked_for() -> None:
    trades = ["SELL A 20.00", "BUY X 1.50", "BUY E 10 USD", "BUY E 1E+1"]
    shown = artifact_of(**REBALANCED | {"trades": trades, "rates": {}})["trades_and_funding"]
    assert list(shown) == ["trade_list", "fx_list", "dropped_trades", "ordering_policy", "execution_notes"]
    assert [row["intent_id"] for row in shown["trade_list"]] == ["oi_1"]
    assert shown["dropped_trades"] == [
        {
            "intent_id": "oi_2",
            "instrument_id": "X",
            "side": "BUY",
            "quantity": "1.5",
            "notional": None,
            "reason": "MISSING_PRICE",
        },
        {
            "intent_id": "oi_3",
            "instrument_id": "E",
            "side": "BUY",
            "quantity": None,
            "notional": {"amount": "10", "currency": "USD"},
            "reason": "CURRENCY_MISMATCH",
        },
        {
            "intent_id": "oi_4",
            "instrument_id": "E",
            "side": "BUY",
            "quantity": "10",
            "notional": None,
            "reason": "UNFUNDED",
        },
    ]
    assert artifact_of(**REBALANCED)["trades_and_funding"]["dropped_trades"] == []


def test_d15_the_ordering_policy_says_when_flows_come() -> None:
    assert artifact_of()["trades_and_funding"]["ordering_policy"] == "CASH_FLOW->SELL->FX->BUY"
    late = artifact_of(proposal_apply_cash_flows_first=False)
    assert late["trades_and_funding"]["ordering_policy"] == "SELL->FX->BUY->CASH_FLOW"


def test_suitability_is_summed_up_or_not_available() -> None:
    concentrated = artifact_of(
        positions={"A": "1", "B": "1"},
        prices={"A": "1 USD", "B": "1 USD"},
        thresholds={"single_position_max_weight": "0.4"},
        drift_top_contributors_limit=1,
    )["suitability_summary"]
    assert (concentrated["status"], concentrated["persistent_issues"]) == ("AVAILABLE", 2)
    assert [row["code"] for row in concentrated["highlights"]] == ["PERSISTENT"]
    assert len(concentrated["issues"]) == 2
    assert artifact_of(enable_suitability_scanner=False)["suitability_summary"] == {
        "status": "NOT_AVAILABLE",
        "new_issues": 0,
        "resolved_issues": 0,
        "persistent_issues": 0,
        "highest_severity_new": None,
        "highlights": [],
        "issues": [],
    }


BREACH: dict[str, Any] = {
    "positions": {"A": "50"},
    "cash": {"USD": "50"},
    "prices": {"A": "1 USD", "B": "1 USD"},
    "trades": ["BUY B 40"],
}


@pytest.mark.parametrize(
    ("parts", "step"),
    [
        ({}, "CLIENT_CONSENT"),
        ({"client_consent_already_obtained": True}, "EXECUTION_READY"),
        ({"thresholds": {"single_position_max_weight": "0.35"}}, "RISK_REVIEW"),
        ({"thresholds": {"single_position_max_weight": "0.3"}}, "COMPLIANCE_REVIEW"),
        ({"trades": ["SELL A 60"]}, "RISK_REVIEW"),
        (
            {"trades": ["SELL A 60", "BUY B 40"], "thresholds": {"single_position_max_weight": "0.3"}},
            "COMPLIANCE_REVIEW",
        ),
        ({"enable_workflow_gates": False, "thresholds": {"single_position_max_weight": "0.3"}}, "COMPLIANCE_REVIEW"),
        ({"enable_workflow_gates": False, "client_consent_already_obtained": True}, "CLIENT_CONSENT"),
        ({"enable_workflow_gates": False, "trades": ["SELL A 60"]}, "RISK_REVIEW"),
    ],
)
def test_the_next_step_follows_the_gate_of_the_result(parts: dict[str, Any], step: str) -> None:
    assert artifact_of(**(BREACH | parts))["summary"]["recommended_next_step"] == step


def test_assumptions_name_the_market_data() -> None:
    body = a_simulation(valuation_mode="TRUST_SNAPSHOT")
    body["market_data_snapshot"]["snapshot_id"] = "md_9"
    assumptions = json.loads(evidence_of(body)[1])["assumptions_and_limits"]
    assert assumptions["pricing"] == {
        "market_data_snapshot_id": "md_9",
        "prices_as_of": "md_9",
        "fx_as_of": "md_9",
        "valuation_mode": "TRUST_SNAPSHOT",
    }
    assert all(assumptions[name]["included"] is False for name in ("costs_and_fees", "tax", "execution"))


def test_empty_snapshot_ids_count_as_absent() -> None:
    body = a_simulation()
    body["portfolio_snapshot"]["snapshot_id"] = ""
    body["market_data_snapshot"]["snapshot_id"] = ""
    result = result_of(body)
    assert result["lineage"]["portfolio_snapshot_id"] == "pf_1"
    assert result["lineage"]["market_data_snapshot_id"] == "md"
    assert failed_rules(result) == []

"""What the scanner finds, and what the proposal does to it (D7, D14)."""

from typing import Any

import pytest
from engine_requests import issue_keys, simulated


def issue(result: dict[str, Any], key: str) -> dict[str, Any]:
    return next(issue for issue in result["suitability"]["issues"] if issue["issue_key"] == key)


def test_concentration_is_new_persistent_or_resolved() -> None:
    result = simulated(
        positions={"A": "60", "B": "30"},
        cash={"USD": "10"},
        prices={"A": "1 USD", "B": "1 USD", "C": "1 USD"},
        trades=["SELL A 40", "BUY C 40"],
        thresholds={"single_position_max_weight": "0.25"},
    )
    assert issue_keys(result, "NEW") == ["SINGLE_POSITION_MAX|C"]
    assert issue_keys(result, "PERSISTENT") == ["SINGLE_POSITION_MAX|B"]
    assert issue_keys(result, "RESOLVED") == ["SINGLE_POSITION_MAX|A"]
    assert issue(result, "SINGLE_POSITION_MAX|C")["severity"] == "HIGH"  # 0.4 is more than 1.25 times 0.25
    assert issue(result, "SINGLE_POSITION_MAX|B")["severity"] == "MEDIUM"
    assert issue(result, "SINGLE_POSITION_MAX|A")["details"] == {
        "instrument_id": "A",
        "threshold": "0.25",
        "measured": "0.6",
    }
    assert result["suitability"]["recommended_gate"] == "COMPLIANCE_REVIEW"


def test_issuers_and_liquidity_tiers_are_added_up() -> None:
    shelf = [
        {"instrument_id": name, "status": "APPROVED", "issuer_id": "ISS", "liquidity_tier": "L4"} for name in ("A", "B")
    ]
    result = simulated(
        positions={"A": "6", "B": "6"},
        cash={"USD": "88"},
        prices={"A": "1 USD", "B": "1 USD"},
        shelf=shelf,
        thresholds={"issuer_max_weight": "0.1", "max_weight_by_liquidity_tier": {"L4": "0.1", "L5": "0"}},
    )
    assert issue_keys(result, "PERSISTENT") == ["ISSUER_MAX|ISS", "LIQUIDITY_MAX|L4"]
    assert issue(result, "LIQUIDITY_MAX|L4")["details"] == {
        "liquidity_tier": "L4",
        "threshold": "0.1",
        "measured": "0.12",
    }


def test_missing_enrichment_is_found_once_an_instrument() -> None:
    shelf = [{"instrument_id": "A", "status": "APPROVED", "issuer_id": ""}]
    result = simulated(
        positions={"A": "1", "B": "1"},
        prices={"A": "1 USD", "B": "1 USD"},
        shelf=[*shelf, {"instrument_id": "B", "status": "NOT_LISTED"}],
        thresholds={"data_quality_issue_severity": "LOW"},
    )
    assert issue_keys(result, "PERSISTENT") == [
        "DQ|MISSING_ISSUER|A",
        "DQ|MISSING_LIQUIDITY_TIER|A",
        "DQ|MISSING_SHELF|B",
    ]


def test_cash_outside_its_band_is_an_issue() -> None:
    result = simulated(
        positions={"A": "90"},
        cash={"USD": "10"},
        prices={"A": "1 USD"},
        trades=["SELL A 10"],
        thresholds={"cash_band_max_weight": "0.15"},
    )
    assert issue(result, "CASH_BAND")["status_change"] == "NEW"
    assert issue(result, "CASH_BAND")["details"] == {"threshold_min": "0", "threshold_max": "0.15", "measured": "0.2"}


def test_without_the_scanner_there_is_no_suitability() -> None:
    assert simulated(cash={"USD": "10"}, enable_suitability_scanner=False)["suitability"] is None


@pytest.mark.parametrize("status", ["SELL_ONLY", "RESTRICTED"])
def test_d07_a_withdrawal_that_lifts_a_weight_is_no_increase(status: str) -> None:
    result = simulated(
        positions={"A": "50"}, cash={"USD": "50"}, prices={"A": "1 USD"}, shelf={"A": status}, flows=["-40 USD"]
    )
    assert result["suitability"]["issues"] == []


def test_d07_more_units_are_an_increase_even_at_a_lower_weight() -> None:
    result = simulated(
        positions={"A": "50"},
        cash={"USD": "50"},
        prices={"A": "1 USD"},
        shelf={"A": "RESTRICTED"},
        flows=["900 USD"],
        trades=["BUY A 1"],
        allow_restricted=True,
    )
    found = issue(result, "GOVERNANCE|A|RESTRICTED")
    assert (found["issue_id"], found["status_change"], found["severity"]) == (
        "SUIT_GOVERNANCE_RESTRICTED_INCREASE",
        "NEW",
        "MEDIUM",
    )
    assert list(found["details"].items()) == [
        ("instrument_id", "A"),
        ("shelf_status", "RESTRICTED"),
        ("allow_restricted", "true"),
        ("measured_before", "0.5"),
        ("measured_after", "0.051"),
    ]


def test_d07_covering_a_short_position_is_an_increase_without_a_weight() -> None:
    parts: dict[str, Any] = {"cash": {"USD": "100"}, "prices": {"A": "1 USD"}, "shelf": {"A": "RESTRICTED"}}
    covered = simulated(**parts, positions={"A": "-5"}, trades=["BUY A 2"], allow_restricted=True)
    assert issue(covered, "GOVERNANCE|A|RESTRICTED")["details"]["measured_after"] == "0"
    sold = simulated(**parts, positions={"A": "-5"}, trades=["SELL A 2"])
    assert "GOVERNANCE|A|RESTRICTED" not in issue_keys(sold, "NEW")


@pytest.mark.parametrize("status", ["BANNED", "SUSPENDED"])
def test_d14_a_refused_buy_of_a_forbidden_instrument_is_an_issue(status: str) -> None:
    result = simulated(cash={"USD": "100"}, prices={"A": "1 USD"}, shelf={"A": status}, trades=["BUY A 1"])
    found = issue(result, f"GOVERNANCE|A|{status}")
    assert (found["issue_id"], found["status_change"], found["severity"], found["details"]) == (
        f"SUIT_GOVERNANCE_{status}",
        "NEW",
        "HIGH",
        {"instrument_id": "A", "shelf_status": status, "measured": "0"},
    )


def test_d14_of_an_instrument_already_held_the_issue_persists() -> None:
    parts: dict[str, Any] = {
        "positions": {"A": "25"},
        "cash": {"USD": "75"},
        "prices": {"A": "1 USD"},
        "shelf": {"A": "BANNED"},
    }
    held, attempted = simulated(**parts), simulated(**parts, trades=["BUY A 1"])
    assert issue_keys(held, "PERSISTENT") == issue_keys(attempted, "PERSISTENT") == ["GOVERNANCE|A|BANNED"]
    assert issue(attempted, "GOVERNANCE|A|BANNED")["details"]["measured"] == "0.25"


@pytest.mark.parametrize(("status", "issues"), [("SELL_ONLY", 1), ("RESTRICTED", 1), ("APPROVED", 0)])
def test_a_refused_buy_of_a_limited_instrument_is_an_issue(status: str, issues: int) -> None:
    parts: dict[str, Any] = {"cash": {"USD": "100"}, "shelf": {"A": status}}
    result = simulated(**parts, trades=["BUY A 1"])  # no price, so dropped
    assert len(issue_keys(result, "NEW")) == issues
    assert simulated(**parts, trades=["SELL A 1"])["suitability"]["issues"] == []

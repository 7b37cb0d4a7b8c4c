"""Gaps in what was sent, and what rules and gate make of them (D12, D14, D22)."""

from typing import Any

import pytest
from engine_requests import simulated


def quality(result: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = result["diagnostics"]["data_quality"]
    return found


def gate_counts(result: dict[str, Any]) -> dict[str, str]:
    return {
        reason["reason_code"]: reason["details"]["count"]
        for reason in result["gate_decision"]["reasons"]
        if reason["source"] == "DATA_QUALITY"
    }


def measured(result: dict[str, Any]) -> str:
    return next(str(rule["measured"]) for rule in result["rule_results"] if rule["rule_id"] == "DATA_QUALITY")


def test_d12_a_gap_is_listed_and_counted_once_in_first_seen_order() -> None:
    result = simulated(
        positions={"Z": "1", "Y": "1", "E": "1", "F": "1"},
        cash={"CHF": "5", "EUR": "5"},
        prices={"E": "1 EUR", "F": "1 GBP"},
        trades=["SELL Y 1", "SELL E 1", "SELL N 1", "SELL N 1"],
        flows=["1 EUR"],
        shelf={"N": "NOT_LISTED"},
        auto_funding=False,
    )
    assert quality(result) == {
        "price_missing": ["Z", "Y"],
        "fx_missing": ["EUR/USD", "GBP/USD", "CHF/USD"],
        "shelf_missing": ["N"],
    }
    assert measured(result) == "6"
    assert gate_counts(result) == {
        "DATA_QUALITY_MISSING_FX": "3",
        "DATA_QUALITY_MISSING_PRICE": "2",
        "DATA_QUALITY_MISSING_SHELF": "1",
    }


def test_gaps_that_do_not_block_are_not_counted_but_still_a_reason() -> None:
    result = simulated(
        positions={"Z": "1"},
        cash={"USD": "1", "CHF": "1"},
        block_on_missing_prices=False,
        block_on_missing_fx=False,
    )
    assert measured(result) == "0"
    assert gate_counts(result) == {"DATA_QUALITY_MISSING_FX": "1", "DATA_QUALITY_MISSING_PRICE": "1"}
    assert result["status"] == "READY"


def test_a_flow_without_a_rate_is_noted_after_the_rule_has_counted() -> None:
    """The flow's currency has a balance afterwards, so only a flow of a currency without a rate shows the order."""
    result = simulated(cash={"USD": "5"}, flows=["1 EUR"])
    assert quality(result)["fx_missing"] == ["EUR/USD"]
    assert result["reconciliation"]["status"] == "OK"


def test_d14_a_shelf_gap_is_a_reason_of_the_gate() -> None:
    result = simulated(positions={"A": "1"}, prices={"A": "1 USD"}, shelf={"A": "NOT_LISTED"}, trades=["SELL A 1"])
    reason = next(row for row in result["gate_decision"]["reasons"] if row["source"] == "DATA_QUALITY")
    assert reason == {
        "reason_code": "DATA_QUALITY_MISSING_SHELF",
        "severity": "HIGH",
        "source": "DATA_QUALITY",
        "details": {"count": "1"},
    }


NOTHING: dict[str, list[str]] = {"price_missing": [], "fx_missing": [], "shelf_missing": []}


@pytest.mark.parametrize(
    "parts",
    [
        {"positions": {"Z": "0"}},
        {"positions": {"Z": "-0.00"}},
        {
            "positions": [
                {"instrument_id": "Z", "quantity": "2"},
                {"instrument_id": "Z", "quantity": "-2"},
            ]
        },
        {"positions": {"G": "0"}, "prices": {"G": "1 GBP"}},
        {"cash": {"USD": "9", "GBP": "0.00"}},
        {"cash": [{"currency": "USD", "amount": "9"}, *({"currency": "GBP", "amount": a} for a in ("3", "-3"))]},
        # planning opens a row of the bought currency, which has no rate to the base currency
        {"cash": {"USD": "9", "EUR": "9"}, "rates": {"EUR/USD": "1", "GBP/EUR": "1"}, "prices": {"G": "1 EUR"}},
    ],
)
def test_d22_nothing_needs_no_price_and_no_rate(parts: dict[str, Any]) -> None:
    result = simulated(**{"cash": {"USD": "9"}} | parts)
    assert quality(result) == NOTHING
    assert result["status"] == "READY"


def test_d22_what_is_sold_out_needed_its_rate_before() -> None:
    result = simulated(positions={"G": "1"}, prices={"G": "1 GBP"}, cash={"USD": "9"}, trades=["SELL G 1"])
    assert quality(result)["fx_missing"] == ["GBP/USD"]


@pytest.mark.parametrize(
    ("parts", "gap"),
    [
        ({"positions": {"Z": "0"}, "trades": ["BUY Z 1"]}, ("price_missing", "Z")),
        ({"prices": {"G": "1 GBP"}, "positions": {"G": "0"}, "trades": ["BUY G 1"]}, ("fx_missing", "GBP/USD")),
        ({"flows": ["0 GBP"]}, ("fx_missing", "GBP/USD")),
        ({"flows": ["5 GBP"]}, ("fx_missing", "GBP/USD")),
        ({"positions": {"Z": "0.000001"}}, ("price_missing", "Z")),
        ({"cash": {"USD": "9", "GBP": "-0.01"}}, ("fx_missing", "GBP/USD")),
    ],
)
def test_d22_something_and_everything_that_is_asked_for_needs_them(parts: dict[str, Any], gap: tuple[str, str]) -> None:
    found = quality(simulated(**{"cash": {"USD": "9"}} | parts))
    assert gap[1] in found[gap[0]]

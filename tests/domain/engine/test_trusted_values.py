"""Positions valued by the custodian (D10)."""

from typing import Any

import pytest
from engine_requests import a_simulation, balances, failed_rules, simulated

from domain.engine.validate import refusals
from domain.request import SimulateRequest


def trusted(quantity: str, value: str, currency: str = "USD") -> dict[str, Any]:
    return {
        "positions": [
            {"instrument_id": "A", "quantity": quantity, "market_value": {"amount": value, "currency": currency}}
        ],
        "valuation_mode": "TRUST_SNAPSHOT",
    }


def shown(state: dict[str, Any]) -> tuple[dict[str, str] | None, str]:
    """(price, value) of the first position."""
    position = state["positions"][0]
    return position["price"], position["value_in_instrument_ccy"]["amount"]


def test_d10_a_market_value_stands_for_the_price_before_and_after() -> None:
    result = simulated(**trusted("3", "100.00"), prices={"A": "1 EUR"}, rates={"EUR/USD": "9"})
    price = {"amount": "33.33333333333333333333333333", "currency": "USD"}
    assert shown(result["before"]) == shown(result["after_simulated"]) == (price, "100.00")
    assert result["reconciliation"]["status"] == "OK"
    assert result["diagnostics"]["data_quality"] == {"price_missing": [], "fx_missing": [], "shelf_missing": []}


def test_d10_no_price_is_missing_where_there_is_a_market_value() -> None:
    result = simulated(**trusted("3", "100.00"))
    assert result["diagnostics"]["data_quality"]["price_missing"] == []
    assert result["status"] == "READY"


def test_d10_trades_use_the_trusted_price_and_its_currency() -> None:
    parts = trusted("4", "100", "EUR") | {
        "prices": {"A": "70 USD"},
        "cash": {"EUR": "1000"},
        "rates": {"EUR/USD": "2"},
    }
    sold = simulated(**parts, trades=["SELL A 1"])
    assert sold["intents"][0]["notional"] == {"amount": "25", "currency": "EUR"}
    assert sold["intents"][0]["notional_base"] == {"amount": "50", "currency": "USD"}
    assert balances(sold) == {"EUR": "1025"}
    assert shown(sold["after_simulated"]) == ({"amount": "25", "currency": "EUR"}, "75")
    assert simulated(**parts, trades=["BUY A 50 EUR"])["intents"][0]["quantity"] == "2"
    assert simulated(**parts, trades=["BUY A 50 USD"])["diagnostics"]["warnings"] == ["PROPOSAL_INVALID_TRADE_INPUT"]


def test_d10_the_custodians_value_holds_while_the_quantity_is_the_one_sent() -> None:
    untouched = simulated(**trusted("3", "100.00"), cash={"USD": "1000"}, trades=["BUY A 1", "SELL A 1"])
    assert shown(untouched["after_simulated"])[1] == "100.00"
    changed = simulated(**trusted("3", "100.00"), cash={"USD": "1000"}, trades=["SELL A 1"])
    assert shown(changed["after_simulated"])[1] == "66.66666666666666666666666666"


def test_d10_in_calculated_mode_market_values_are_not_read() -> None:
    parts = trusted("3", "100.00") | {"valuation_mode": "CALCULATED"}
    assert shown(simulated(**parts, prices={"A": "7 EUR"}, rates={"EUR/USD": "1"})["before"]) == (
        {"amount": "7", "currency": "EUR"},
        "21",
    )


@pytest.mark.parametrize(
    ("quantity", "value", "is_refused"),
    [
        ("0", "5", True),
        ("3", "-5", True),
        ("-3", "5", True),
        ("-3", "-5", False),
        ("3", "0", False),
        ("0", "0", False),
    ],
)
def test_d10_a_market_value_needs_a_quantity_of_its_sign(quantity: str, value: str, *, is_refused: bool) -> None:
    request = SimulateRequest.model_validate(a_simulation(**trusted(quantity, value)))
    expected = [("portfolio_snapshot", "positions", 0)] if is_refused else []
    assert [refusal.loc for refusal in refusals(request)] == expected


def test_d10_the_sums_are_judged_not_the_rows() -> None:
    rows = [*trusted("3", "-5")["positions"], *trusted("1", "9")["positions"]]
    request = SimulateRequest.model_validate(a_simulation(positions=rows, valuation_mode="TRUST_SNAPSHOT"))
    assert refusals(request) == []
    rows = [{"instrument_id": "B", "quantity": "1"}, *trusted("3", "5")["positions"], *trusted("-3", "5")["positions"]]
    request = SimulateRequest.model_validate(a_simulation(positions=rows, valuation_mode="TRUST_SNAPSHOT"))
    assert [refusal.loc for refusal in refusals(request)] == [("portfolio_snapshot", "positions", 1)]


def test_d10_a_worthless_position_has_the_price_zero() -> None:
    parts = trusted("3", "0.00") | {"prices": {"A": "7 USD"}, "cash": {"USD": "100"}}
    result = simulated(**parts)
    assert shown(result["before"])[0] == {"amount": "0.00", "currency": "USD"}
    sold = simulated(**parts, trades=["SELL A 1"])
    assert sold["intents"][0]["notional"]["amount"] == "0.00"
    refused = simulated(**parts, trades=["BUY A 10 USD"])
    assert failed_rules(refused) == ["PROPOSAL_INPUT_GUARDS"]
    assert refused["diagnostics"]["warnings"] == ["PROPOSAL_INVALID_TRADE_INPUT"]


def test_d10_a_value_of_zero_for_nothing_is_ignored() -> None:
    result = simulated(**trusted("0", "0"), prices={"A": "7 USD"}, cash={"USD": "100"}, trades=["BUY A 2"])
    assert shown(result["before"]) == ({"amount": "7", "currency": "USD"}, "0")
    assert shown(result["after_simulated"]) == ({"amount": "7", "currency": "USD"}, "14")

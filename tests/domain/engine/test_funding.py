"""FX that funds the buys (D2-D5, D13, D20, D24, D25)."""

from decimal import Decimal
from typing import Any

import pytest
from engine_requests import balances, failed_rules, fx_trades, simulated


def plan(result: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """(target, needed, funded by) of each entry."""
    return [
        (entry["target_currency"], entry["fx_needed"], entry["funding_currency"])
        for entry in result["diagnostics"]["funding_plan"]
    ]


def guard(result: dict[str, Any]) -> tuple[str, str] | None:
    """(number of hard failures, the first of them)."""
    for rule in result["rule_results"]:
        if rule["rule_id"] == "PROPOSAL_INPUT_GUARDS":
            return rule["measured"], rule["reason_code"]
    return None


def test_a_buy_is_paid_from_its_own_currency_first() -> None:
    result = simulated(
        cash={"USD": "1000", "EUR": "40"}, prices={"E": "10 EUR"}, rates={"EUR/USD": "1.1"}, trades=["BUY E 10"]
    )
    assert fx_trades(result) == [("EUR/USD", "60.00", "66.00")]
    assert balances(result) == {"USD": "934.00", "EUR": "0.00"}
    assert result["diagnostics"]["funding_plan"] == [
        {
            "target_currency": "EUR",
            "required": "100.00",
            "available_before_fx": "40.00",
            "fx_needed": "60.00",
            "fx_pair": "EUR/USD",
            "funding_currency": "USD",
        }
    ]
    assert result["intents"][-1]["dependencies"] == ["oi_fx_1"]


def test_without_funding_a_buy_overdraws_its_currency() -> None:
    result = simulated(
        cash={"USD": "1000"}, prices={"E": "10 EUR"}, rates={"EUR/USD": "1.1"}, trades=["BUY E 1"], auto_funding=False
    )
    assert failed_rules(result) == ["INSUFFICIENT_CASH"]
    assert result["diagnostics"]["funding_plan"] == []


def test_the_base_currency_is_a_target_too() -> None:
    result = simulated(cash={"EUR": "1000"}, prices={"A": "10 USD"}, rates={"EUR/USD": "1.25"}, trades=["BUY A 10"])
    assert fx_trades(result) == [("USD/EUR", "100.00", "80.00")]


def test_base_only_funds_from_nothing_else_and_the_base_not_at_all() -> None:
    rich = {"CHF": "1000000", "USD": "5"}
    rates = {"EUR/USD": "1.1", "EUR/CHF": "1", "CHF/USD": "1", "USD/CHF": "1"}
    result = simulated(
        cash=rich, prices={"E": "10 EUR"}, rates=rates, trades=["BUY E 1"], fx_funding_source_currency="BASE_ONLY"
    )
    assert result["diagnostics"]["insufficient_cash"] == [{"currency": "USD", "deficit": "6.00"}]
    result = simulated(
        cash=rich, prices={"A": "10 USD"}, rates=rates, trades=["BUY A 1"], fx_funding_source_currency="BASE_ONLY"
    )
    assert result["diagnostics"]["insufficient_cash"] == [{"currency": "USD", "deficit": "5.00"}]
    assert guard(result) == ("1", "PROPOSAL_INSUFFICIENT_FUNDING_CASH")
    assert result["diagnostics"]["warnings"] == ["PROPOSAL_BUY_SKIPPED_UNFUNDED"]


@pytest.mark.parametrize(
    ("price", "rate", "required", "needed", "trade"),
    [
        ("10.005 EUR", ("EUR/USD", "1.1"), "10.00", "10.01", ("EUR/USD", "10.01", "11.01")),
        ("1000.2 JPY", ("JPY/USD", "0.0068"), "1000", "1001", ("JPY/USD", "1001", "6.81")),
        ("1.0001 KWD", ("KWD/USD", "3.25"), "1.000", "1.001", ("KWD/USD", "1.001", "3.25")),
    ],
)
def test_d02_an_fx_buy_is_rounded_up_to_the_minor_unit(
    price: str, rate: tuple[str, str], required: str, needed: str, trade: tuple[str, str, str]
) -> None:
    result = simulated(
        cash={"USD": "1000"}, prices={"E": price}, rates=[{"pair": rate[0], "rate": rate[1]}], trades=["BUY E 1"]
    )
    assert fx_trades(result) == [trade]
    entry = result["diagnostics"]["funding_plan"][0]
    assert (entry["required"], entry["fx_needed"]) == (required, needed)
    assert result["status"] == "READY"


def test_d02_what_is_sold_comes_from_the_rounded_buy() -> None:
    result = simulated(cash={"USD": "9000"}, prices={"J": "0.1 JPY"}, rates={"JPY/USD": "4000"}, trades=["BUY J 1"])
    assert fx_trades(result) == [("JPY/USD", "1", "4000.00")]


@pytest.mark.parametrize(
    ("needy", "reserved"),
    [("CHF", "EUR"), ("EUR", "CHF")],  # planned before the currency that pays, and after it
)
def test_d03_cash_that_a_currency_needs_for_its_own_buys_funds_no_other(needy: str, reserved: str) -> None:
    rates = {"CHF/USD": "1", "EUR/USD": "1", "CHF/EUR": "1"}
    result = simulated(
        cash={reserved: "100", "USD": "0"},
        prices={"N": f"60 {needy}", "R": f"100 {reserved}"},
        rates=rates,
        trades=["BUY N 1", "BUY R 1"],
    )
    assert [intent["instrument_id"] for intent in result["intents"]] == ["R"]
    assert plan(result) == sorted([(needy, "60.00", None), (reserved, "0.00", None)])
    assert balances(result)[reserved] == "0"


def test_d03_what_is_left_over_funds_others() -> None:
    result = simulated(
        cash={"EUR": "160", "USD": "0"},
        prices={"C": "60 CHF", "E": "100 EUR"},
        rates={"CHF/USD": "1", "EUR/USD": "1", "CHF/EUR": "1"},
        trades=["BUY C 1", "BUY E 1"],
    )
    assert fx_trades(result) == [("CHF/EUR", "60.00", "60.00")]
    assert result["status"] == "READY"


def test_d03_a_usable_amount_below_zero_adds_to_the_deficit() -> None:
    result = simulated(
        cash={"EUR": "40"},
        prices={"C": "60 CHF", "E": "100 EUR"},
        rates={"CHF/USD": "9", "EUR/USD": "1", "CHF/EUR": "1"},
        trades=["BUY C 1", "BUY E 1"],
    )
    assert result["diagnostics"]["insufficient_cash"] == [
        {"currency": "EUR", "deficit": "120.00"},  # 60 to sell, and 60 short already
        {"currency": "USD", "deficit": "60.00"},
    ]


def test_d04_a_missing_pair_of_one_currency_is_not_the_failure_of_another() -> None:
    result = simulated(
        cash={"USD": "10"},
        prices={"C": "50 CHF", "E": "100 EUR"},
        rates={"EUR/USD": "1.1"},
        trades=["BUY C 1", "BUY E 1"],
    )
    assert result["diagnostics"]["missing_fx_pairs"] == ["CHF/USD"]
    assert result["diagnostics"]["insufficient_cash"] == [{"currency": "USD", "deficit": "100.00"}]
    assert guard(result) == ("2", "PROPOSAL_MISSING_FX_FOR_FUNDING")


def test_d04_an_ordinary_shortfall_blocks_even_where_missing_rates_do_not() -> None:
    result = simulated(
        cash={"USD": "10"},
        prices={"C": "50 CHF", "E": "100 EUR"},
        rates={"EUR/USD": "1.1"},
        trades=["BUY C 1", "BUY E 1"],
        block_on_missing_fx=False,
    )
    assert guard(result) == ("1", "PROPOSAL_INSUFFICIENT_FUNDING_CASH")
    assert failed_rules(result) == ["PROPOSAL_INPUT_GUARDS", "PROPOSAL_FUNDING_DQ"]
    assert result["diagnostics"]["warnings"] == ["PROPOSAL_MISSING_FX_NON_BLOCKING", "PROPOSAL_BUY_SKIPPED_UNFUNDED"]


def test_d04_an_empty_row_without_a_rate_is_passed_over_in_silence() -> None:
    result = simulated(
        cash={"USD": "10", "GBP": "0"},
        prices={"E": "100 EUR"},
        rates={"EUR/USD": "1.1", "GBP/USD": "1.3"},
        trades=["BUY E 1"],
    )
    assert result["diagnostics"]["missing_fx_pairs"] == []
    assert guard(result) == ("1", "PROPOSAL_INSUFFICIENT_FUNDING_CASH")


def test_d04_an_empty_row_with_a_rate_competes_for_the_smallest_deficit() -> None:
    result = simulated(
        cash={"USD": "-100", "GBP": "0"},
        prices={"E": "100 EUR"},
        rates={"EUR/USD": "1.1", "GBP/USD": "1.3", "EUR/GBP": "0.85"},
        trades=["BUY E 1"],
    )
    assert result["diagnostics"]["insufficient_cash"] == [{"currency": "GBP", "deficit": "85.00"}]


def test_d04_cash_without_a_rate_is_a_missing_pair() -> None:
    result = simulated(
        cash={"USD": "10", "GBP": "1"},
        prices={"E": "100 EUR"},
        rates={"EUR/USD": "1.1", "GBP/USD": "1.3"},
        trades=["BUY E 1"],
    )
    assert result["diagnostics"]["missing_fx_pairs"] == ["EUR/GBP"]
    assert result["diagnostics"]["data_quality"]["fx_missing"] == ["EUR/GBP"]
    assert result["diagnostics"]["insufficient_cash"] == []


def test_d05_a_rate_missing_in_passing_does_not_matter_when_another_currency_pays() -> None:
    result = simulated(
        cash={"USD": "10", "CHF": "500", "GBP": "500"},
        prices={"E": "100 EUR"},
        rates={"EUR/USD": "1.1", "CHF/USD": "1.1", "GBP/USD": "1.3", "EUR/GBP": "0.85"},
        trades=["BUY E 1"],
    )
    assert fx_trades(result) == [("EUR/GBP", "100.00", "85.00")]
    assert result["diagnostics"]["missing_fx_pairs"] == []
    assert result["diagnostics"]["data_quality"]["fx_missing"] == []
    assert result["status"] == "READY"


def test_d05_an_unfunded_currency_lists_its_pairs_in_candidate_order() -> None:
    result = simulated(
        cash={"GBP": "1", "CHF": "1", "USD": "1"},
        prices={"E": "100 EUR"},
        rates={"CHF/USD": "1.1", "GBP/USD": "1.3"},
        trades=["BUY E 1"],
    )
    assert result["diagnostics"]["missing_fx_pairs"] == ["EUR/USD", "EUR/CHF", "EUR/GBP"]


def test_d13_deficits_are_compared_in_the_base_currency() -> None:
    result = simulated(
        cash={"USD": "10", "JPY": "10000"},
        prices={"E": "100 EUR"},
        rates={"EUR/USD": "1.1", "EUR/JPY": "160", "JPY/USD": "0.007"},
        trades=["BUY E 1"],
    )
    assert result["diagnostics"]["insufficient_cash"] == [{"currency": "JPY", "deficit": "6000"}]  # 42 USD, not 100


def test_d13_the_first_of_equal_deficits_wins() -> None:
    result = simulated(
        cash={"USD": "0", "CHF": "0"},
        prices={"E": "100 EUR"},
        rates={"EUR/USD": "1.1", "EUR/CHF": "2.2", "CHF/USD": "0.5"},
        trades=["BUY E 1"],
    )
    assert result["diagnostics"]["insufficient_cash"] == [{"currency": "USD", "deficit": "110.00"}]


def test_d13_without_a_rate_to_base_a_deficit_comes_last() -> None:
    result = simulated(
        cash={"USD": "10", "CHF": "99.99"},
        prices={"E": "100 EUR"},
        rates={"EUR/USD": "1.1", "EUR/CHF": "1"},
        trades=["BUY E 1"],
    )
    assert result["diagnostics"]["insufficient_cash"] == [{"currency": "USD", "deficit": "100.00"}]


@pytest.mark.parametrize(
    ("currency", "bought"),
    [
        ("ISK", "11"),
        ("JPY", "11"),
        ("TND", "10.006"),
        ("KWD", "10.006"),
        ("CLF", "10.0051"),
        ("SGD", "10.01"),
        ("XAU", "10.01"),  # in ISO 4217, without a minor unit
        ("QQQ", "10.01"),  # not in ISO 4217
    ],
)
def test_d20_amounts_have_the_minor_unit_of_their_currency(currency: str, bought: str) -> None:
    price = "10.00501"
    into = simulated(
        cash={"USD": "100"}, prices={"E": f"{price} {currency}"}, rates={f"{currency}/USD": "1"}, trades=["BUY E 1"]
    )
    ((_, found, _),) = fx_trades(into)
    assert found == bought
    out = simulated(
        cash={currency: "100"}, prices={"E": f"{price} USD"}, rates={f"USD/{currency}": "1"}, trades=["BUY E 1"]
    )
    ((_, _, sold),) = fx_trades(out)
    assert Decimal(sold).as_tuple().exponent == Decimal(bought).as_tuple().exponent


@pytest.mark.parametrize(
    ("cash", "trade"),
    [
        ("0.01", ("JPY/USD", "1", "0.01")),
        ("0.00", None),
        ("0.009", None),
    ],
)
def test_d24_nothing_is_bought_for_nothing(cash: str, trade: tuple[str, str, str] | None) -> None:
    """A yen is worth less than half a cent here."""
    result = simulated(
        positions={"J": "1"},
        cash={"USD": cash},
        prices={"J": "1 JPY"},
        rates={"JPY/USD": "0.004"},
        trades=["BUY J 1"],
    )
    assert fx_trades(result) == ([] if trade is None else [trade])
    if trade is None:
        assert result["diagnostics"]["insufficient_cash"] == [{"currency": "USD", "deficit": "0.01"}]


@pytest.mark.parametrize(
    ("parts", "shortage"),
    [
        # no other currency at all; the base currency alone may pay; another one has no rate
        ({"cash": {"USD": "4.00"}}, {"currency": "USD", "deficit": "6.01"}),
        (
            {"cash": {"USD": "4.00", "EUR": "99"}, "fx_funding_source_currency": "BASE_ONLY"},
            {"currency": "USD", "deficit": "6.01"},
        ),
        ({"cash": {"USD": "4.00", "EUR": "0"}}, {"currency": "USD", "deficit": "6.01"}),
        # a candidate that lacks less than a minor unit lacks one
        (
            {"cash": {"EUR": "10.009"}, "rates": {"EUR/USD": "1", "USD/EUR": "1"}},
            {"currency": "EUR", "deficit": "0.01"},
        ),
    ],
)
def test_d25_a_shortfall_always_says_what_is_lacking(parts: dict[str, Any], shortage: dict[str, str]) -> None:
    result = simulated(prices={"A": "10.01 USD"}, trades=["BUY A 1"], **parts)
    assert result["diagnostics"]["insufficient_cash"] == [shortage]
    assert guard(result) == ("1", "PROPOSAL_INSUFFICIENT_FUNDING_CASH")

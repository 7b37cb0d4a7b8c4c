"""What a portfolio is worth, and whether the totals agree (D29, D30)."""

from decimal import Context, Decimal, localcontext
from typing import Any

import pytest
from engine_requests import a_model, a_simulation, evidence_of, failed_rules, simulated


def test_scales_show_on_the_wire() -> None:
    result = simulated(positions={"A": "100"}, cash={"USD": "50.0"}, prices={"A": "100.00 USD"})
    before = result["before"]
    assert before["positions"] == [
        {
            "instrument_id": "A",
            "quantity": "100",
            "instrument_currency": "USD",
            "asset_class": "EQUITY",
            "price": {"amount": "100.00", "currency": "USD"},
            "value_in_instrument_ccy": {"amount": "10000.00", "currency": "USD"},
            "value_in_base_ccy": {"amount": "10000.000", "currency": "USD"},
            "weight": "0.9950",
        }
    ]
    assert before["total_value"] == {"amount": "10050.000", "currency": "USD"}
    assert before["allocation_by_instrument"] == before["allocation"]


def test_a_rate_is_the_pair_or_the_inverse_but_never_a_cross() -> None:
    positions = {"D": "1", "I": "1", "X": "1"}
    result = simulated(
        positions=positions,
        prices={"D": "1 EUR", "I": "1 CHF", "X": "1 GBP"},
        rates={"EUR/USD": "1.1", "USD/EUR": "9", "USD/CHF": "0.8", "GBP/EUR": "1.2"},
    )
    values = [row["value_in_base_ccy"]["amount"] for row in result["before"]["positions"]]
    assert values == ["1.1", "1.25", "0"]
    assert result["diagnostics"]["data_quality"]["fx_missing"] == ["GBP/USD"]


def test_a_position_without_a_price_is_shown_without_value_in_the_base_currency() -> None:
    (row,) = simulated(positions={"A": "1.50"}, shelf={"A": "NOT_LISTED"})["before"]["positions"]
    assert row["price"] is None
    assert row["asset_class"] == "UNKNOWN"
    assert row["value_in_instrument_ccy"] == {"amount": "0.00", "currency": "USD"}
    assert row["value_in_base_ccy"] == {"amount": "0.000", "currency": "USD"}


def test_allocations_come_in_order_of_first_appearance_and_cash_last() -> None:
    def listed(name: str, asset_class: str, **attributes: str) -> dict[str, object]:
        return {"instrument_id": name, "status": "APPROVED", "asset_class": asset_class, "attributes": attributes}

    before = simulated(
        positions={"A": "1", "B": "2", "C": "1"},
        cash={"USD": "2", "EUR": "1", "JPY": "7"},
        prices={"A": "1 USD", "B": "1 USD", "C": "1 USD"},
        rates={"EUR/USD": "2"},
        shelf=[
            listed("A", "BOND", region="EU"),
            listed("B", "EQUITY", sector="T", region="US"),
            listed("C", "BOND", region="EU"),
        ],
    )["before"]
    classes = [(row["key"], row["weight"], row["value"]["amount"]) for row in before["allocation_by_asset_class"]]
    assert classes == [("BOND", "0.2500", "2.0"), ("EQUITY", "0.2500", "2.0"), ("CASH", "0.5000", "4")]
    attributes = before["allocation_by_attribute"]
    assert list(attributes) == ["region", "sector"]
    assert [(row["key"], row["value"]["amount"]) for row in attributes["region"]] == [("EU", "2.0"), ("US", "2.0")]


def test_an_empty_portfolio_has_weights_of_zero() -> None:
    before = simulated(positions={"A": "0"}, prices={"A": "1 USD"})["before"]
    assert before["total_value"]["amount"] == "0.0"
    assert [row["weight"] for row in (*before["positions"], *before["allocation_by_asset_class"])] == ["0.0000"] * 3


def test_inconsistent_rates_do_not_reconcile() -> None:
    result = simulated(
        cash={"CHF": "1000000"},
        prices={"E": "1 EUR"},
        rates={"CHF/USD": "1", "EUR/USD": "1", "EUR/CHF": "2"},
        trades=["BUY E 100000"],
    )
    assert result["reconciliation"] == {
        "before_total_value": {"amount": "1000000", "currency": "USD"},
        "after_total_value": {"amount": "900000.00", "currency": "USD"},
        "delta": {"amount": "-100000.00", "currency": "USD"},
        "tolerance": {"amount": "500.5000", "currency": "USD"},
        "status": "MISMATCH",
    }
    rule = result["rule_results"][-1]
    assert (rule["rule_id"], rule["measured"], rule["threshold"]) == (
        "RECONCILIATION",
        "100000.00",
        {"max": "500.5000"},
    )
    assert result["status"] == "BLOCKED"
    assert failed_rules(result) == ["RECONCILIATION"]


def test_flows_are_expected() -> None:
    result = simulated(cash={"USD": "10", "EUR": "0"}, rates={"EUR/USD": "2"}, flows=["500 USD", "500 EUR"])
    assert result["reconciliation"]["delta"]["amount"] == "1500"
    assert result["reconciliation"]["status"] == "OK"


def test_d11_nothing_that_is_accepted_raises() -> None:
    tiny, huge = "0.000000000000000000000001", "999999999999999999"
    result = simulated(
        positions={"A": huge, "B": tiny, "S": "-" + huge},
        cash={"USD": "-" + huge, "JPY": huge + "." + "9" * 24, "EUR": tiny},
        prices={"A": f"{huge} USD", "B": f"{tiny} EUR", "S": f"{huge} USD"},
        rates={"EUR/USD": tiny, "JPY/USD": huge, "EUR/JPY": tiny, "USD/JPY": huge},
        trades=["BUY B " + huge, "SELL A 1", f"BUY S {huge} USD"],
        flows=[f"-{huge} JPY"],
        thresholds={"single_position_max_weight": "0", "cash_band_max_weight": "0"},
        single_position_max_weight=tiny,
    )
    assert result["status"] == "BLOCKED"
    assert len(result["suitability"]["issues"]) > 0


def test_nobodys_decimal_context_changes_the_result() -> None:
    body = a_simulation(
        positions={"A": "3"}, cash={"USD": "1"}, prices={"A": "0.333333333333 USD"}, trades=["BUY A 1 USD"]
    )
    expected = evidence_of(body)
    with localcontext(Context(prec=3)):
        assert evidence_of(body) == expected
        assert Decimal(1) / 3 == Decimal("0.333")


UNSOUND = "PORTFOLIO_TOTAL_NOT_POSITIVE"


def weights_of(state: dict[str, Any]) -> set[str]:
    rows = (
        *state["positions"],
        *state["allocation_by_asset_class"],
        *state["allocation_by_instrument"],
        *(row for rows in state["allocation_by_attribute"].values() for row in rows),
    )
    return {row["weight"] for row in rows}


def input_guards(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (rule["measured"], rule["reason_code"])
        for rule in result["rule_results"]
        if rule["rule_id"] == "PROPOSAL_INPUT_GUARDS"
    ]


@pytest.mark.parametrize("cash", ["-100", "-100.0", "-5000"])
def test_d29_of_a_total_that_is_not_positive_nothing_is_a_fraction(cash: str) -> None:
    result = simulated(
        positions={"A": "100"},
        cash={"USD": cash},
        prices={"A": "1 USD"},
        shelf=[{"instrument_id": "A", "status": "BANNED", "attributes": {"region": "US"}}],
        model=a_model(classes={"EQUITY": "1"}, instruments={"A": "1"}),
        trades=["BUY A 1"],
        thresholds={"cash_band_min_weight": "0.01"},
        single_position_max_weight="0.1",
    )
    for state in (result["before"], result["after_simulated"]):
        assert weights_of(state) == {"0.0000"}
    assert result["diagnostics"]["warnings"] == [UNSOUND, "PROPOSAL_TRADE_NOT_SUPPORTED_BY_SHELF"]
    assert input_guards(result) == [("2", "PROPOSAL_TRADE_NOT_SUPPORTED_BY_SHELF")]
    measured = {rule["rule_id"]: rule["measured"] for rule in result["rule_results"]}
    assert (measured["CASH_BAND"], measured["SINGLE_POSITION_MAX"]) == ("0", "0")
    bucket = result["drift_analysis"]["instrument"]["buckets"][0]
    assert (bucket["portfolio_weight_before"], bucket["portfolio_weight_after"]) == ("0", "0")
    issues = {issue["issue_key"]: issue["details"] for issue in result["suitability"]["issues"]}
    assert issues["CASH_BAND"]["measured"] == "0"
    assert issues["GOVERNANCE|A|BANNED"]["measured"] == "0"
    assert result["status"] == "BLOCKED"


@pytest.mark.parametrize(
    ("cash", "flow", "warnings", "guards"),
    [
        ("5", "-5", [], []),  # nothing is left, and nothing is wrong
        ("5", "-6", ["PROPOSAL_WITHDRAWAL_NEGATIVE_CASH", UNSOUND], [("2", "PROPOSAL_WITHDRAWAL_NEGATIVE_CASH")]),
        ("-5", "6", [UNSOUND], []),  # made good: the state before does not block
        ("-5", "1", [UNSOUND], [("1", UNSOUND)]),
    ],
)
def test_d29_the_state_after_blocks_and_each_warns_when_it_is_valued(
    cash: str, flow: str, warnings: list[str], guards: list[tuple[str, str]]
) -> None:
    result = simulated(cash={"USD": cash}, flows=[f"{flow} USD"])
    assert result["diagnostics"]["warnings"] == warnings
    assert input_guards(result) == guards


def test_d29_what_cancels_out_is_not_nothing() -> None:
    parts = {"prices": {"A": "1 USD", "B": "1 USD"}}
    assert simulated(**parts, positions={"A": "0"}, cash={"USD": "0"})["diagnostics"]["warnings"] == []
    result = simulated(**parts, positions={"A": "5", "B": "-5"})
    assert (result["diagnostics"]["warnings"], input_guards(result)) == ([UNSOUND], [("1", UNSOUND)])


def test_d30_a_balance_that_changed_does_not_say_what_is_settled() -> None:
    sent = [
        {"currency": currency, "amount": "100.00", "settled": "90.00", "pending": "10.00"}
        for currency in ("USD", "EUR", "GBP")
    ]
    result = simulated(
        positions={"A": "50"},
        cash=[*sent, {"currency": "USD", "amount": "1", "settled": "1"}],
        prices={"A": "1 GBP"},
        rates={"EUR/USD": "1", "GBP/USD": "1"},
        flows=["-0.01 USD"],
        trades=["SELL A 10", "BUY A 10.0"],  # GBP comes back to its amount, written with another scale
    )
    parts = [
        {row["currency"]: (row["settled"], row["pending"]) for row in result[state]["cash_balances"]}
        for state in ("before", "after_simulated")
    ]
    kept = ("90.00", "10.00")
    assert parts == [
        {"USD": ("91.00", "10.00"), "EUR": kept, "GBP": kept},
        {"USD": (None, None), "EUR": kept, "GBP": kept},
    ]

"""Trades, their order, their dependencies and those that are dropped (D6, D15, D23, D26)."""

from typing import Any

import pytest
from engine_requests import balances, failed_rules, simulated

DROPPED = "PROPOSAL_TRADE_DROPPED_MISSING_PRICE"


def test_sells_come_before_buys_each_by_instrument_and_equal_instruments_as_proposed() -> None:
    result = simulated(
        positions={"A": "10", "B": "10"},
        cash={"USD": "1000"},
        prices={"A": "1 USD", "B": "1 USD", "C": "1 USD"},
        trades=["BUY C 1", "SELL B 2", "BUY A 3", "SELL A 4", "BUY A 5"],
    )
    assert [(intent["side"], intent["instrument_id"], intent["intent_id"]) for intent in result["intents"]] == [
        ("SELL", "A", "oi_4"),
        ("SELL", "B", "oi_2"),
        ("BUY", "A", "oi_3"),
        ("BUY", "A", "oi_5"),
        ("BUY", "C", "oi_1"),
    ]


def test_a_buy_depends_on_its_fx_and_then_on_the_last_sell_in_its_currency() -> None:
    parts = {
        "positions": {"A": "10", "B": "10"},
        "cash": {"USD": "1000"},
        "prices": {"A": "1 EUR", "B": "1 EUR", "C": "100 EUR"},
        "rates": {"EUR/USD": "1"},
        "trades": ["BUY C 1", "SELL B 1", "SELL A 1"],
    }
    assert simulated(**parts)["intents"][-1]["dependencies"] == ["oi_fx_1"]
    linked = simulated(**parts, link_buy_to_same_currency_sell_dependency=True)
    assert linked["intents"][-1]["dependencies"] == ["oi_fx_1", "oi_2"]


def test_a_notional_gives_the_quantity_and_must_be_in_the_price_currency() -> None:
    result = simulated(cash={"USD": "1000"}, prices={"A": "3 USD"}, trades=["BUY A 100 USD", "BUY A 100 EUR"])
    assert [(intent["intent_id"], intent["quantity"]) for intent in result["intents"]] == [
        ("oi_1", "33.33333333333333333333333333")
    ]
    assert result["diagnostics"]["warnings"] == ["PROPOSAL_INVALID_TRADE_INPUT"]
    assert failed_rules(result) == ["PROPOSAL_INPUT_GUARDS"]


@pytest.mark.parametrize(
    ("status", "options", "is_bought"),
    [
        ("APPROVED", {}, True),
        ("RESTRICTED", {}, False),
        ("RESTRICTED", {"allow_restricted": True}, True),
        ("SELL_ONLY", {"allow_restricted": True}, False),
        ("BANNED", {"allow_restricted": True}, False),
        ("SUSPENDED", {"allow_restricted": True}, False),
    ],
)
def test_the_shelf_says_what_may_be_bought_and_everything_may_be_sold(
    status: str, options: dict[str, bool], *, is_bought: bool
) -> None:
    parts = {"positions": {"A": "5"}, "cash": {"USD": "100"}, "prices": {"A": "1 USD"}, "shelf": {"A": status}}
    bought = simulated(**parts, trades=["BUY A 1"], **options)
    assert bool(bought["intents"]) is is_bought
    assert (bought["diagnostics"]["warnings"] == ["PROPOSAL_TRADE_NOT_SUPPORTED_BY_SHELF"]) is not is_bought
    assert simulated(**parts, trades=["SELL A 1"], **options)["status"] == "READY"


def test_what_is_not_on_the_shelf_is_not_traded() -> None:
    result = simulated(positions={"A": "5"}, prices={"A": "1 USD"}, shelf={"A": "NOT_LISTED"}, trades=["SELL A 1"])
    assert result["intents"] == []
    assert result["diagnostics"]["data_quality"]["shelf_missing"] == ["A"]


def test_selling_more_than_is_held_is_blocked() -> None:
    result = simulated(positions={"A": "5"}, prices={"A": "1 USD"}, trades=["SELL A 7"])
    short = next(rule for rule in result["rule_results"] if rule["rule_id"] == "NO_SHORTING")
    assert (short["status"], short["measured"], short["reason_code"]) == ("FAIL", "-2", "SELL_EXCEEDS_HOLDINGS")
    assert result["status"] == "BLOCKED"


@pytest.mark.parametrize("is_blocking", [False, True])
def test_d06_a_trade_without_a_price_is_listed_not_lost(*, is_blocking: bool) -> None:
    result = simulated(
        cash={"USD": "1000"},
        prices={"A": "1 USD"},
        trades=["BUY X 1", "BUY A 1", "SELL W 2"],
        block_on_missing_prices=is_blocking,
    )
    assert result["diagnostics"]["dropped_intents"] == [
        {"intent_id": "oi_1", "instrument_id": "X", "reason": "MISSING_PRICE"},
        {"intent_id": "oi_3", "instrument_id": "W", "reason": "MISSING_PRICE"},
    ]
    assert result["diagnostics"]["warnings"] == [DROPPED]
    rule = next(rule for rule in result["rule_results"] if rule["rule_id"] == "PROPOSAL_DROPPED_TRADES")
    assert rule["remediation_hint"]
    assert {name: rule[name] for name in rule if name != "remediation_hint"} == {
        "rule_id": "PROPOSAL_DROPPED_TRADES",
        "severity": "SOFT",
        "status": "FAIL",
        "measured": "2",
        "threshold": {"max": "0"},
        "reason_code": "MISSING_PRICE",
    }
    assert result["status"] == ("BLOCKED" if is_blocking else "PENDING_REVIEW")


def test_d06_the_row_comes_after_funding_and_only_when_something_was_dropped() -> None:
    result = simulated(
        cash={"USD": "1000"},
        prices={"E": "1 EUR"},
        trades=["BUY E 1", "BUY X 1"],
        block_on_missing_fx=False,
        block_on_missing_prices=False,
    )
    assert failed_rules(result) == ["PROPOSAL_FUNDING_DQ", "PROPOSAL_DROPPED_TRADES"]
    for reason in (["BUY B 1"], ["BUY A 1 EUR"], ["BUY S 1"]):
        other = simulated(
            cash={"USD": "9"},
            prices={"A": "1 USD", "B": "1 USD", "S": "1 USD"},
            shelf={"B": "BANNED", "S": "NOT_LISTED"},
            trades=reason,
        )
        assert len(other["diagnostics"]["dropped_intents"]) == 1
        assert "PROPOSAL_DROPPED_TRADES" not in failed_rules(other)


def test_d26_every_trade_that_is_not_made_is_listed_with_its_reason() -> None:
    worthless = {"instrument_id": "Z", "quantity": "3", "market_value": {"amount": "0", "currency": "USD"}}
    result = simulated(
        positions=[worthless],
        cash={"USD": "100"},
        prices={"A": "1 USD", "E": "10 EUR", "S": "1 USD", "B": "1 USD"},
        shelf={"S": "NOT_LISTED", "B": "BANNED"},
        rates={"EUR/USD": "100"},
        trades=[
            "BUY E 1",
            "SELL S 1",
            "BUY A 1",
            "BUY B 1",
            "BUY A 5 EUR",
            "BUY Z 5 EUR",
            "BUY Z 5 USD",
            "BUY X 1",
        ],
        valuation_mode="TRUST_SNAPSHOT",
    )
    assert [tuple(entry.values()) for entry in result["diagnostics"]["dropped_intents"]] == [
        ("oi_1", "E", "UNFUNDED"),
        ("oi_2", "S", "MISSING_SHELF"),
        ("oi_4", "B", "SHELF_STATUS"),
        ("oi_5", "A", "CURRENCY_MISMATCH"),
        ("oi_6", "Z", "CURRENCY_MISMATCH"),
        ("oi_7", "Z", "PRICE_ZERO"),
        ("oi_8", "X", "MISSING_PRICE"),
    ]
    assert [intent["intent_id"] for intent in result["intents"]] == ["oi_3"]
    rule = next(rule for rule in result["rule_results"] if rule["rule_id"] == "PROPOSAL_DROPPED_TRADES")
    assert rule["measured"] == "1"


def shorting(**parts: Any) -> tuple[str, str]:
    """(status, measured) of the rule NO_SHORTING, with A and B at 1 USD and cash enough."""
    result = simulated(cash={"USD": "1000"}, prices={"A": "1 USD", "B": "1 USD"}, **parts)
    rule = next(rule for rule in result["rule_results"] if rule["rule_id"] == "NO_SHORTING")
    return rule["status"], rule["measured"]


@pytest.mark.parametrize(
    ("positions", "trades", "expected"),
    [
        ({"A": "5"}, ["SELL A 7", "BUY A 3"], ("FAIL", "-2")),
        ({}, ["BUY A 3", "SELL A 3"], ("FAIL", "-3")),
        ({"A": "5"}, ["SELL A 5", "BUY A 3"], ("PASS", "0")),
        ({"A": "-5"}, ["BUY A 5"], ("PASS", "0")),  # a short that was there, covered
        ({"A": "-5"}, ["BUY B 5"], ("FAIL", "-5")),
        ({"A": "5", "B": "5"}, ["SELL A 7", "BUY A 3", "SELL B 9"], ("FAIL", "-4")),
        ({"A": "5", "B": "5"}, ["SELL A 9", "BUY A 9", "SELL B 7"], ("FAIL", "-4")),
        ({"A": "5", "B": "5"}, ["SELL A 9.0", "BUY A 9", "SELL B 9"], ("FAIL", "-4")),  # of equals the after-state's
    ],
)
def test_d23_a_buy_does_not_cover_a_sell_that_comes_before_it(
    positions: dict[str, str], trades: list[str], expected: tuple[str, str]
) -> None:
    assert shorting(positions=positions, trades=trades) == expected


def test_d23_a_sell_that_was_dropped_sells_nothing() -> None:
    assert shorting(positions={"B": "1"}, trades=["SELL A 7"], shelf={"A": "NOT_LISTED"}) == ("PASS", "0")


def test_d15_flows_may_come_last() -> None:
    parts = {
        "cash": {"USD": "100", "EUR": "0"},
        "prices": {"E": "100 EUR"},
        "rates": {"EUR/USD": "1"},
        "positions": {"E": "1"},
        "trades": ["BUY E 1", "SELL E 1"],
        "flows": ["-60 USD"],
    }
    first = simulated(**parts)
    assert [intent["intent_id"] for intent in first["intents"]] == ["oi_cf_1", "oi_2", "oi_1"]
    last = simulated(**parts, proposal_apply_cash_flows_first=False)
    assert [intent["intent_id"] for intent in last["intents"]] == ["oi_2", "oi_1", "oi_cf_1"]


def test_d15_funding_does_not_see_flows_that_come_last() -> None:
    parts = {
        "cash": {"USD": "50"},
        "prices": {"E": "100 EUR"},
        "rates": {"EUR/USD": "1"},
        "trades": ["BUY E 1"],
        "flows": ["60 USD"],
    }
    assert simulated(**parts)["status"] == "READY"
    late = simulated(**parts, proposal_apply_cash_flows_first=False)
    assert late["diagnostics"]["insufficient_cash"] == [{"currency": "USD", "deficit": "50.00"}]
    assert balances(late) == {"USD": "110", "EUR": "0"}


def test_d15_warnings_and_failures_of_late_flows_come_last() -> None:
    parts = {
        "cash": {"USD": "100"},
        "positions": {"A": "9"},
        "prices": {"A": "150 USD", "X": "1 USD"},
        "shelf": {"X": "BANNED"},
        "trades": ["BUY X 1", "BUY A 1"],
        "flows": ["-200 USD"],
        "auto_funding": False,
    }
    withdrawal, shelf = "PROPOSAL_WITHDRAWAL_NEGATIVE_CASH", "PROPOSAL_TRADE_NOT_SUPPORTED_BY_SHELF"
    assert simulated(**parts)["diagnostics"]["warnings"] == [withdrawal, shelf]
    late = simulated(**parts, proposal_apply_cash_flows_first=False)
    assert late["diagnostics"]["warnings"] == [shelf, withdrawal]
    guard = next(rule for rule in late["rule_results"] if rule["rule_id"] == "PROPOSAL_INPUT_GUARDS")
    assert (guard["measured"], guard["reason_code"]) == ("2", shelf)

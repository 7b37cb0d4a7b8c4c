"""Trades sized by fractions: one list of trades for every portfolio."""

from decimal import Decimal
from typing import Any

import pytest
from batches import a_market, a_portfolio, an_analysis, composed, computed, simulated
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.request import ProposedTrade


def of_position(fraction: str, **changes: Any) -> dict[str, Any]:
    return {"side": "SELL", "instrument_id": "A", "fraction_of_position": fraction} | changes


def of_portfolio(fraction: str, **changes: Any) -> dict[str, Any]:
    return {"side": "BUY", "instrument_id": "A", "fraction_of_portfolio": fraction} | changes


def trades_of(*trades: dict[str, Any], item: dict[str, Any] | None = None, **shared: Any) -> tuple[ProposedTrade, ...]:
    return composed([a_market() | shared, item or a_portfolio(0), {"proposed_trades": list(trades)}]).proposed_trades


def portfolio(*quantities: str, cash: str = "1000.00") -> dict[str, Any]:
    rows = [{"instrument_id": "A", "quantity": quantity} for quantity in quantities]
    snapshot = {"portfolio_id": "p", "base_currency": "SGD", "positions": rows}
    return {"id": "x", "portfolio_snapshot": snapshot | {"cash_balances": [{"currency": "SGD", "amount": cash}]}}


@pytest.mark.parametrize(
    ("quantities", "fraction", "quantity"),
    [
        (["10"], "0.5", "5"),
        (["10", "2.50"], "0.2", "2.5"),  # rows of one instrument are added up
        (["10"], "1", "10"),
        (["1"], "0.333333333333333333", "0.333333333333"),  # cut after twelve decimals, towards zero
        (["1"], "0.9999999999999999", "0.999999999999"),
        (["3"], "0.000000000001", "0.000000000003"),
    ],
)
def test_a_fraction_of_a_position_is_of_what_is_held(quantities: list[str], fraction: str, quantity: str) -> None:
    (trade,) = trades_of(of_position(fraction), item=portfolio(*quantities))
    assert format(trade.quantity or 0, "f") == quantity
    assert trade == ProposedTrade.model_validate({"side": "SELL", "instrument_id": "A", "quantity": quantity})


def test_a_fraction_of_the_portfolio_is_of_its_total_value_at_price_and_rate() -> None:
    market = {
        "market_data_snapshot": {
            "prices": [
                {"instrument_id": "A", "price": "50.00", "currency": "SGD"},
                {"instrument_id": "U", "price": "3.00", "currency": "USD"},
            ],
            "fx_rates": [{"pair": "SGD/USD", "rate": "0.8"}],  # the inverse is derived
        },
        "shelf_entries": [{"instrument_id": name, "status": "APPROVED"} for name in "AU"],
    }
    trades = trades_of(of_portfolio("0.05"), of_portfolio("0.05", instrument_id="U"), item=a_portfolio(0), **market)
    # 10 of A at 50 and 1,000 in cash: 75 is 1.5 of A, or 20 of U at 3.75.
    assert [str(trade.quantity) for trade in trades] == ["1.5", "20"]


def test_a_trusted_position_is_sized_by_the_custodians_value() -> None:
    item = portfolio("10")
    item["portfolio_snapshot"]["positions"][0]["market_value"] = {"amount": "1000.00", "currency": "SGD"}
    (trade,) = trades_of(of_portfolio("0.5"), item=item, options={"valuation_mode": "TRUST_SNAPSHOT"})
    assert str(trade.quantity) == "10"  # half of 2,000, at 100 each


def test_sized_trades_stand_among_ordinary_ones_in_their_order() -> None:
    plain = {"side": "BUY", "instrument_id": "A", "notional": {"amount": "100", "currency": "SGD"}}
    trades = trades_of(plain, of_position("0.1"), {"side": "BUY", "instrument_id": "A", "quantity": "3.0"})
    assert [(str(trade.quantity), trade.notional is None) for trade in trades] == [
        ("None", False),
        ("1", True),
        ("3.0", True),
    ]


NEITHER_HELD_NOR_PRICED = {"instrument_id": "Q"}


@pytest.mark.parametrize(
    ("trade", "item", "reason"),
    [
        (of_position("0.5", **NEITHER_HELD_NOR_PRICED), None, "a position that is held"),
        (of_position("0.5"), portfolio("0"), "a position that is held"),
        (of_position("0.5"), portfolio("-5"), "a position that is held"),
        (of_portfolio("0.5", **NEITHER_HELD_NOR_PRICED), None, "a price, and a rate"),
        (of_portfolio("0.5"), portfolio("1", cash="-5000"), "a portfolio with a value"),
        (of_position("0.000000000001"), portfolio("0.5"), "less than the smallest quantity"),
        (of_portfolio("1"), portfolio("1", cash="999999999999999999"), "a quantity of more than 18 digits"),
    ],
)
def test_a_trade_that_cannot_be_sized_fails_its_run_with_the_place(
    trade: dict[str, Any], item: dict[str, Any] | None, reason: str
) -> None:
    good = {"side": "BUY", "instrument_id": "A", "quantity": "1"}
    price = "0.0000001" if "18 digits" in reason else "50.00"
    body = an_analysis(
        item or a_portfolio(0), shared=a_market(price=price), scenarios={"sized": {"proposed_trades": [good, trade]}}
    )
    (line,) = computed(body)
    (error,) = line["error"]["errors"]
    assert error["loc"] == ["scenarios", "sized", "proposed_trades", 1]
    assert error["type"] == "value_error"
    assert error["msg"].startswith("PROPOSAL_INVALID_TRADE_INPUT: ")
    assert reason in error["msg"]


def test_a_rate_that_is_missing_fails_the_run() -> None:
    market = {"market_data_snapshot": {"prices": [{"instrument_id": "A", "price": "5", "currency": "USD"}]}}
    (line,) = computed(an_analysis(a_portfolio(0, proposed_trades=[of_portfolio("0.5")]), shared=a_market() | market))
    assert line["error"]["errors"][0]["loc"] == ["items", 0, "proposed_trades", 0]


@pytest.mark.parametrize(
    ("trade", "kind"),
    [
        (of_position("0"), "greater_than"),
        (of_position("1.1"), "less_than_equal"),
        (of_position("-0.5"), "greater_than"),
        (of_portfolio("0.5", quantity="1"), "value_error"),
        (of_portfolio("0.5", fraction_of_position="0.5"), "value_error"),
        ({"side": "BUY", "instrument_id": "A"}, "value_error"),
        (of_position(0.5), "value_error"),  # type: ignore[arg-type]  # a JSON float has no exact value
    ],
)
def test_a_fraction_is_above_zero_at_most_one_exact_and_the_only_size(trade: dict[str, Any], kind: str) -> None:
    lines = computed(an_analysis(scenarios={"bad": {"proposed_trades": [trade]}}))
    assert {line["status"] for line in lines} == {"FAILED"}
    assert [error["type"] for error in lines[0]["error"]["errors"]] == [kind]


@settings(max_examples=50, deadline=None)
@given(st.decimals("0.0001", "1", places=8), st.decimals("0.001", "100000", places=3))
def test_a_sized_trade_is_the_ordinary_trade_of_that_quantity(fraction: Decimal, held: Decimal) -> None:
    item = portfolio(str(held))
    request = composed([a_market(), item, {"proposed_trades": [of_position(str(fraction))]}])
    (trade,) = request.proposed_trades
    assert trade.quantity is not None
    assert trade.quantity <= held * fraction < trade.quantity + Decimal("1E-12")
    plain = {"side": "SELL", "instrument_id": "A", "quantity": str(trade.quantity)}
    assert simulated(request) == simulated(composed([a_market(), item, {"proposed_trades": [plain]}]))

"""Rows that come twice: added up, collapsed or refused (D9)."""

from typing import Any

import pytest
from engine_requests import LENIENT, a_model, a_simulation, simulated

from domain.engine.validate import refusals
from domain.request import SimulateRequest

PRICE = {"instrument_id": "A", "price": "50", "currency": "USD"}
RATE = {"pair": "EUR/USD", "rate": "1.1"}
SHELF = {"instrument_id": "A", "status": "APPROVED"}


def refused(**parts: Any) -> list[tuple[str | int, ...]]:
    found = refusals(SimulateRequest.model_validate(a_simulation(**parts)))
    assert all(refusal.message.startswith("PROPOSAL_INVALID_INPUT: ") for refusal in found)
    return [refusal.loc for refusal in found]


def test_d09_positions_of_one_instrument_are_added_up() -> None:
    result = simulated(
        positions=[
            {"instrument_id": "B", "quantity": "1"},
            {"instrument_id": "A", "quantity": "2.50"},
            {"instrument_id": "B", "quantity": "3"},
        ],
        prices={"A": "1 USD", "B": "1 USD"},
        trades=["SELL B 4"],
        thresholds={"single_position_max_weight": "0.6"},
    )
    held = result["before"]["positions"]
    assert [(row["instrument_id"], row["quantity"]) for row in held] == [("B", "4"), ("A", "2.50")]
    assert [row["quantity"] for row in result["after_simulated"]["positions"]] == ["0", "2.50"]


def test_d09_each_row_keeps_its_own_lots() -> None:
    def position(quantity: str, lot: str) -> dict[str, Any]:
        cost = {"amount": "1", "currency": "USD"}
        lots = [{"lot_id": "l", "quantity": lot, "unit_cost": cost, "purchase_date": "2024-01-01"}]
        return {"instrument_id": "A", "quantity": quantity, "lots": lots}

    result = simulated(positions=[position("1", "1.0001"), position("2", "2")], prices={"A": "1 USD"})
    assert result["before"]["positions"][0]["quantity"] == "3"
    with pytest.raises(ValueError, match="lots"):
        a_request([position("1", "2"), position("2", "1")])


def a_request(positions: list[dict[str, Any]]) -> SimulateRequest:
    return SimulateRequest.model_validate(a_simulation(positions=positions))


def test_d09_cash_of_one_currency_is_added_up() -> None:
    result = simulated(
        cash=[
            {"currency": "EUR", "amount": "-5", "settled": "1", "pending": None},
            {"currency": "USD", "amount": "1.0"},
            {"currency": "EUR", "amount": "7.50", "settled": "2.0"},
        ],
        rates=[RATE],
        flows=["-2 EUR"],
    )
    assert result["before"]["cash_balances"] == [
        {"currency": "EUR", "amount": "2.50", "settled": "3.0", "pending": None},
        {"currency": "USD", "amount": "1.0", "settled": None, "pending": None},
    ]
    assert result["diagnostics"]["warnings"] == []
    assert result["after_simulated"]["cash_balances"][0]["amount"] == "0.50"


@pytest.mark.parametrize(
    "parts",
    [
        {"prices": [PRICE, {**PRICE, "price": "50.00"}]},
        {"rates": [RATE, {**RATE, "rate": 1.1}]},
        {"rates": [RATE, {"pair": "USD/EUR", "rate": "7"}]},  # the inverse is a pair of its own
        {"shelf": [SHELF, {**SHELF, "asset_class": "UNKNOWN", "attributes": {}, "settlement_days": 2}]},
        {"shelf": [{**SHELF, "attributes": {"a": "1", "b": "2"}}, {**SHELF, "attributes": {"b": "2", "a": "1"}}]},
    ],
)
def test_d09_equal_rows_collapse(parts: dict[str, Any]) -> None:
    assert refused(**parts) == []
    once = {name: rows[:1] for name, rows in parts.items()}
    both = simulated(positions={"A": "2"}, cash={"EUR": "3"}, **({"prices": [PRICE], "rates": [RATE]} | parts))
    one = simulated(positions={"A": "2"}, cash={"EUR": "3"}, **({"prices": [PRICE], "rates": [RATE]} | once))
    assert both["before"]["allocation"][0]["weight"] == one["before"]["allocation"][0]["weight"]


def test_d09_a_row_that_differs_from_the_first_is_refused_where_it_stands() -> None:
    model = a_model(classes={"EQUITY": "0.5"}, instruments={"A": "0.5"})
    model["asset_class_targets"].append({"asset_class": "EQUITY", "weight": "0.6"})
    model["instrument_targets"].append({"instrument_id": "A", "weight": "0.6"})
    assert refused(
        prices=[PRICE, {**PRICE, "price": "51"}, PRICE, {**PRICE, "currency": "EUR"}],
        rates=[RATE, {**RATE, "rate": "1.2"}],
        shelf=[SHELF, {**SHELF, "settlement_days": 3}],
        model=model,
    ) == [
        ("market_data_snapshot", "prices", 1),
        ("market_data_snapshot", "prices", 3),
        ("market_data_snapshot", "fx_rates", 1),
        ("shelf_entries", 1),
        ("reference_model", "asset_class_targets", 1),
        ("reference_model", "instrument_targets", 1),
    ]


VALUED = {"instrument_id": "A", "quantity": "1", "market_value": {"amount": "5", "currency": "USD"}}


@pytest.mark.parametrize(
    "other",
    [
        {"instrument_id": "A", "quantity": "1"},
        {"instrument_id": "A", "quantity": "1", "market_value": {"amount": "5", "currency": "EUR"}},
    ],
)
def test_d09_trusted_rows_of_one_instrument_are_all_valued_in_one_currency(other: dict[str, Any]) -> None:
    loc = ("portfolio_snapshot", "positions", 1)
    assert refused(positions=[VALUED, other], valuation_mode="TRUST_SNAPSHOT") == [loc]
    assert refused(positions=[other, VALUED], valuation_mode="TRUST_SNAPSHOT") == [loc]
    assert refused(positions=[VALUED, other]) == []


def test_d09_trusted_values_of_one_instrument_are_added_up() -> None:
    result = simulated(positions=[VALUED, VALUED], valuation_mode="TRUST_SNAPSHOT")
    (held,) = result["before"]["positions"]
    assert (held["quantity"], held["price"]["amount"], held["value_in_instrument_ccy"]["amount"]) == ("2", "5", "10")


def test_d09_a_refusal_holds_no_value_of_the_request() -> None:
    body = a_simulation(
        prices=[
            {"instrument_id": "SECRET_ID", "price": "50", "currency": "USD"},
            {"instrument_id": "SECRET_ID", "price": "87.125", "currency": "USD"},
        ]
    )
    (refusal,) = refusals(SimulateRequest.model_validate(body))
    assert "SECRET_ID" not in refusal.message
    assert "87.125" not in refusal.message


def test_d09_contradictions_come_before_impossible_values() -> None:
    impossible = {"instrument_id": "B", "quantity": "0", "market_value": {"amount": "5", "currency": "USD"}}
    parts: dict[str, Any] = {"positions": [impossible], "valuation_mode": "TRUST_SNAPSHOT"}
    assert refused(**parts) == [("portfolio_snapshot", "positions", 0)]
    assert refused(**parts, prices=[PRICE, {**PRICE, "price": "51"}]) == [("market_data_snapshot", "prices", 1)]


def test_the_lenient_thresholds_of_these_tests_are_accepted() -> None:
    assert SimulateRequest.model_validate(a_simulation()).options.suitability_thresholds.model_dump(mode="json") == {
        **LENIENT,
        "data_quality_issue_severity": "MEDIUM",
    }

"""Parts of a batch: what is refused at once, what fails runs, and what neither shows."""

import json
from typing import Any

import pytest
from batches import (
    MAX_ROWS,
    a_market,
    a_portfolio,
    an_analysis,
    composed,
    composition_of,
    computed,
    parsed,
    ready_or_refused,
)
from pydantic import ValidationError

from domain.batch.composing import RunRefused
from domain.batch.parts import Malformed, PartError


def errors_of(body: dict[str, Any]) -> list[tuple[str, tuple[Any, ...]]]:
    with pytest.raises(ValidationError) as refused:
        parsed(body)
    return [(error["type"], error["loc"]) for error in refused.value.errors()]


def failed_errors(line: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    assert line["status"] == "FAILED"
    assert line["error"]["code"] == line["error"]["message"] == "VALIDATION_FAILED"
    assert line["proposal_run_id"] is line["metrics"] is line["result"] is None
    return [(error["type"], error["loc"]) for error in line["error"]["errors"]]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"itmes": []}, ("extra_forbidden", ("itmes",))),
        ({"shared": {"proposed_trade": []}}, ("extra_forbidden", ("shared", "proposed_trade"))),
        (
            {"shared": {"options": {"allow_restrictd": True}}},
            ("extra_forbidden", ("shared", "options", "allow_restrictd")),
        ),
        ({"shared": {"shelf_entries": None}}, ("list_type", ("shared", "shelf_entries"))),
        ({"items": []}, ("too_short", ("items",))),
        ({"items": [7]}, ("dict_type", ("items", 0))),
        ({"items": [{"portfolio_snapshot": {}}]}, ("missing", ("items", 0, "id"))),
        ({"items": [{"id": "a b"}]}, ("string_pattern_mismatch", ("items", 0, "id"))),
        ({"scenarios": {}}, ("too_short", ("scenarios",))),
        ({"scenarios": {f"s{number}": {} for number in range(21)}}, ("too_long", ("scenarios",))),
        ({"scenarios": {"Big": {}}}, ("string_pattern_mismatch", ("scenarios", "Big", "[key]"))),
        ({"scenarios": {"hold": []}}, ("dict_type", ("scenarios", "hold"))),
        (
            {"scenarios": {"hold": {"description": "x" * 501}}},
            ("string_too_long", ("scenarios", "hold", "description")),
        ),
        ({"description": "x" * 501}, ("string_too_long", ("description",))),
        ({"created_by": ""}, ("string_too_short", ("created_by",))),
    ],
)
def test_a_wrong_envelope_refuses_the_whole(change: dict[str, Any], error: tuple[str, tuple[Any, ...]]) -> None:
    assert error in errors_of(an_analysis() | change)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"proposed_trade": []}, ("extra_forbidden", ["items", 1, "proposed_trade"])),
        ({"shelf_entries": 7}, ("list_type", ["items", 1, "shelf_entries"])),
        (
            {
                "portfolio_snapshot": {
                    "portfolio_id": "p",
                    "base_currency": "SGD",
                    "positions": [{"instrument_id": "A", "quantity": "-"}],
                }
            },
            ("decimal_parsing", ["items", 1, "portfolio_snapshot", "positions", 0, "quantity"]),
        ),
        (
            {
                "shelf_entries": [
                    {"instrument_id": "A", "status": "APPROVED", "attributes": {f"k{n}": "v" for n in range(101)}}
                ]
            },
            ("too_long", ["items", 1, "shelf_entries", 0, "attributes"]),
        ),
    ],
)
def test_a_malformed_item_fails_its_runs_and_no_others(change: dict[str, Any], error: tuple[str, list[Any]]) -> None:
    items = [a_portfolio(0), a_portfolio(1, **change), a_portfolio(2)]
    lines = computed(an_analysis(*items, scenarios={"a": {}, "b": {}}))
    assert [line["status"] for line in lines] == [*["SUCCEEDED"] * 2, *["FAILED"] * 2, *["SUCCEEDED"] * 2]
    assert failed_errors(lines[2]) == failed_errors(lines[3]) == [error]


def priced(price: Any) -> dict[str, Any]:
    return {"market_data_snapshot": {"prices": [{"instrument_id": "A", "price": price, "currency": "SGD"}]}}


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [
        (priced("0"), "greater_than"),
        (priced("1e40"), "decimal_whole_digits"),
        (priced("9e999999"), "decimal_whole_digits"),
        ({"proposed_trade": []}, "extra_forbidden"),
        ({"options": {"allow_restrictd": True}}, "extra_forbidden"),
        ({"options": {"cash_band_max_weight": "2"}}, "less_than_equal"),
    ],
)
def test_a_malformed_scenario_fails_its_runs_and_no_others(scenario: dict[str, Any], kind: str) -> None:
    lines = computed(an_analysis(scenarios={"good": {}, "bad": scenario}))
    assert [line["status"] for line in lines] == ["FAILED", "SUCCEEDED"] * 3
    ((found, place),) = failed_errors(lines[0])
    assert (found, place[:2]) == (kind, ["scenarios", "bad"])


def test_errors_name_what_was_meant_and_show_nothing_that_was_sent() -> None:
    body = an_analysis(
        a_portfolio(0, proposed_tradez="secret-value"),
        a_portfolio(1, shelf_entries=[{"instrument_id": "A", "status": "APPROVED", "attributes": {"secret-key": 7}}]),
        a_portfolio(2, proposed_trades=[{"side": "secret-side", "instrument_id": "A", "quantity": "secret-number"}]),
    )
    lines = computed(body)
    assert [line["status"] for line in lines] == ["FAILED"] * 3
    assert lines[0]["error"]["errors"][0]["msg"] == "Extra inputs are not permitted: did you mean proposed_trades?"
    assert lines[1]["error"]["errors"][0]["loc"] == ["items", 1, "shelf_entries", 0, "attributes"]
    assert "secret" not in json.dumps(lines)


def test_an_option_that_an_item_does_not_know_is_ignored_as_a_simulation_ignores_it() -> None:
    (line,) = computed(an_analysis(a_portfolio(0, options={"no_such_option": True})))
    assert line["status"] == "SUCCEEDED"


def test_a_part_lists_twenty_errors_at_most() -> None:
    trades = [{"side": "BUY", "instrument_id": "A"}] * 50
    (item,) = parsed(an_analysis(a_portfolio(0, proposed_trades=trades))).items
    assert isinstance(item.part, Malformed)
    assert len(item.part.errors) == 20


@pytest.mark.parametrize("missing", ["portfolio_snapshot", "market_data_snapshot", "shelf_entries"])
def test_a_field_that_no_part_gives_fails_the_run(missing: str) -> None:
    whole = a_market() | a_portfolio(0)
    body = an_analysis({name: value for name, value in whole.items() if name != missing}, shared={})
    (line,) = computed(body)
    assert failed_errors(line) == [("missing", ["items", 0, missing])]


def test_contradictions_are_those_of_what_is_composed_and_named_where_they_were_sent() -> None:
    rows = [
        {"instrument_id": name, "price": price, "currency": "SGD"}
        for name, price in (("Z", "1"), ("Z", "2"), ("A", "3"), ("A", "4"))
    ]
    scenario = {"market_data_snapshot": {"prices": rows}}
    lines = computed(an_analysis(scenarios={"two-prices": scenario, "one": {}}))
    assert [line["status"] for line in lines] == ["SUCCEEDED", "FAILED"] * 3
    # Of Z, which no run names, nothing is in any request.
    assert failed_errors(lines[1]) == [
        ("value_error", ["scenarios", "two-prices", "market_data_snapshot", "prices", 3])
    ]


def test_bounds_that_contradict_each_other_in_one_part_may_be_set_right_by_another() -> None:
    band = {"options": {"cash_band_min_weight": "0.5", "cash_band_max_weight": "0.2"}}
    lines = computed(
        an_analysis(a_portfolio(0, **band), scenarios={"as-is": {}, "wide": {"options": {"cash_band_max_weight": "1"}}})
    )
    assert failed_errors(lines[0]) == [("value_error", ["items", 0, "options"])]
    assert lines[1]["status"] == "SUCCEEDED"


def test_a_run_that_is_too_large_only_when_composed_is_refused() -> None:
    pairs = [f"{chr(65 + n // 26)}{chr(65 + n % 26)}X/SGD" for n in range(150)]
    market = a_market()["market_data_snapshot"] | {"fx_rates": [{"pair": pair, "rate": "1"} for pair in pairs]}
    cash = [{"currency": f"{chr(65 + n // 26)}{chr(65 + n % 26)}Y", "amount": "1"} for n in range(100)]
    portfolio = a_portfolio(0)["portfolio_snapshot"] | {"cash_balances": cash}
    lines = computed(
        an_analysis(a_portfolio(0, portfolio_snapshot=portfolio), shared=a_market() | {"market_data_snapshot": market})
    )
    ((kind, place),) = failed_errors(lines[0])
    assert (kind, place[0]) == ("too_long", "shared")


def test_a_scenario_has_the_last_word_and_null_is_a_word() -> None:
    model = {"model_id": "m", "as_of": "2026-01-01", "base_currency": "SGD"}
    item = a_portfolio(0, reference_model=model)
    assert composed([a_market(), item, {}]).reference_model is not None
    assert composed([a_market(), item, {"reference_model": None}]).reference_model is None
    assert composed([a_market(), item, {"proposed_trades": []}]).proposed_trades == ()
    assert composed([a_market(), item, {"options": {"allow_restricted": True}}]).options.enable_proposal_simulation


def test_a_run_without_the_simulation_flag_is_refused_as_a_simulation_is() -> None:
    lines = computed(an_analysis(scenarios={"off": {"options": {"enable_proposal_simulation": False}}, "on": {}}))
    assert [line["status"] for line in lines] == ["FAILED", "SUCCEEDED"] * 3
    assert lines[0]["error"] == {
        "code": "PROPOSAL_SIMULATION_DISABLED",
        "message": "PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true",
    }


def test_what_no_run_names_is_in_no_request_and_rates_are() -> None:
    market = a_market()["market_data_snapshot"] | {
        "fx_rates": [{"pair": "USD/SGD", "rate": "1.35"}],
        "prices": [{"instrument_id": name, "price": "50", "currency": "SGD"} for name in "ZABCY"],
    }
    shelf = [{"instrument_id": name, "status": "APPROVED"} for name in "ZABCY"]
    targets = [{"instrument_id": "C", "weight": "0.5"}]
    model = {"model_id": "m", "as_of": "d", "base_currency": "SGD", "instrument_targets": targets}
    trades = [{"side": "BUY", "instrument_id": "B", "quantity": "1"}]
    request = composed(
        [
            {"market_data_snapshot": market, "shelf_entries": shelf},
            a_portfolio(0, proposed_trades=trades),
            {"reference_model": model},
        ]
    )
    assert [row.instrument_id for row in request.market_data_snapshot.prices] == ["A", "B", "C"]
    assert [row.instrument_id for row in request.shelf_entries] == ["A", "B", "C"]
    assert [row.pair for row in request.market_data_snapshot.fx_rates] == ["USD/SGD"]


def test_a_refused_run_counts_as_one_row() -> None:
    body = an_analysis(a_portfolio(0), a_portfolio(1, shelf_entries=7))
    composition = composition_of(body)
    items = parsed(body).items
    assert [composition.row_count(item.part, "baseline") for item in items] == [5, 1]
    with pytest.raises(RunRefused):
        composition.request(items[1].part, "baseline", number=1)


def test_an_id_that_is_repeated_is_refused_where_it_stands_again() -> None:
    body = an_analysis(a_portfolio(0), a_portfolio(1), a_portfolio(0, shelf_entries=7))
    refused = ready_or_refused(body)
    assert isinstance(refused, PartError)
    assert (refused.type, refused.loc) == ("item_id_repeated", ("items", 2, "id"))


def test_sized_trades_count_as_rows_and_options_of_a_scenario_as_bytes() -> None:
    trades = [{"side": "SELL", "instrument_id": "A", "fraction_of_position": "0.5"}] * 100
    heavy = {"options": {"group_constraints": {f"a:{'x' * 90}{number}": {"max_weight": "1"} for number in range(200)}}}
    body = an_analysis(a_portfolio(0), scenarios={"light": {}, "heavy": heavy, "sized": {"proposed_trades": trades}})
    composition, (item,) = composition_of(body), parsed(body).items
    assert composition.row_count(item.part, "light") == 5
    assert composition.row_count(item.part, "heavy") > 100
    assert composition.row_count(item.part, "sized") == 104


def test_a_run_with_too_many_sized_trades_is_refused() -> None:
    trade = {"side": "SELL", "instrument_id": "A", "fraction_of_position": "0.5"}
    body = an_analysis(a_portfolio(0), scenarios={"many": {"proposed_trades": [trade] * (MAX_ROWS - 2)}})
    ((kind, place),) = failed_errors(computed(body)[0])
    assert (kind, place) == ("too_long", ["scenarios", "many", "proposed_trades"])

"""Requests: their limits, their stored text and their hash (D17, D19, D27, D28, D31)."""

import json
from pathlib import Path
from typing import Any

import pytest
from contract.compare import load_cases
from engine_requests import a_model, a_simulation, result_of
from pydantic import BaseModel, ValidationError

from domain.canonical import canonical_hash, wire_text
from domain.options import EngineOptions
from domain.request import (
    EXAMPLE,
    CreateRequest,
    SimulateRequest,
    VersionRequest,
    request_document,
    request_hash,
)

CASES = Path(__file__).parents[2] / "contract" / "cases" / "cases.jsonl.gz"
BODY = a_simulation(
    positions={"A": "10"},
    cash={"USD": "100.00"},
    prices={"A": "5.0 USD"},
    rates={"EUR/USD": "1.10"},
    trades=["BUY A 1", "BUY A 5.50 USD"],
    flows=["-1.0 USD"],
    model=a_model(classes={"EQUITY": "0.50"}, instruments={"A": "0.5"}),
)


def errors_of(model: type[BaseModel], body: Any) -> list[tuple[str, tuple[str | int, ...]]]:
    with pytest.raises(ValidationError) as raised:
        model.model_validate(body)
    return [(error["type"], error["loc"]) for error in raised.value.errors()]


def changed(path: list[str | int], value: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(json.dumps(BODY))
    part: Any = body
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return body


def hash_of(body: dict[str, Any]) -> str:
    return request_hash(SimulateRequest.model_validate(body))


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (["portfolio_snapshot", "portfolio_id"], "p" * 256, "string_too_long"),
        (["portfolio_snapshot", "portfolio_id"], " " * 256, "string_too_long"),
        (["portfolio_snapshot", "positions", 0, "quantity"], "1_0", "decimal_parsing"),
        (["portfolio_snapshot", "snapshot_id"], "p" * 256, "string_too_long"),
        (["portfolio_snapshot", "base_currency"], "usd", "string_pattern_mismatch"),
        (["portfolio_snapshot", "base_currency"], "USD\n", "string_pattern_mismatch"),
        (["portfolio_snapshot", "positions"], {}, "list_type"),
        (["portfolio_snapshot", "positions", 0, "instrument_id"], "i" * 256, "string_too_long"),
        (["portfolio_snapshot", "positions", 0, "quantity"], None, "decimal_type"),
        (["market_data_snapshot", "snapshot_id"], "m" * 256, "string_too_long"),
        (["market_data_snapshot", "prices", 0, "price"], "0", "greater_than"),
        (["market_data_snapshot", "prices", 0, "currency"], "", "string_pattern_mismatch"),
        (["market_data_snapshot", "fx_rates", 0, "rate"], "-1", "greater_than"),
        (["market_data_snapshot", "fx_rates", 0, "pair"], "EUR/USD/GBP", "string_pattern_mismatch"),
        (["market_data_snapshot", "fx_rates", 0, "pair"], " EUR/USD", "string_pattern_mismatch"),
        (["shelf_entries", 0, "status"], "OPEN", "literal_error"),
        (["shelf_entries", 0, "issuer_id"], "i" * 256, "string_too_long"),
        (["shelf_entries", 0, "liquidity_tier"], "L6", "literal_error"),
        (["shelf_entries", 0, "settlement_days"], 11, "less_than_equal"),
        (["shelf_entries", 0, "attributes"], {"region": 1}, "string_type"),
        (["proposed_cash_flows", 0, "amount"], 1.5, "value_error"),
        (["proposed_trades", 0, "quantity"], 1.5, "value_error"),
        (["proposed_trades", 0, "quantity"], "0", "greater_than"),
        (["proposed_trades", 0, "quantity"], None, "value_error"),
        (["proposed_trades", 0, "notional"], {"amount": "1", "currency": "USD"}, "value_error"),
        (["proposed_trades", 1, "notional", "amount"], 1.5, "value_error"),
        (["proposed_trades", 1, "notional", "amount"], "0", "value_error"),
        (["proposed_trades", 1, "notional", "currency"], "usd", "string_pattern_mismatch"),
        (["proposed_trades", 0, "side"], "HOLD", "literal_error"),
        (["reference_model", "base_currency"], "us", "string_pattern_mismatch"),
        (["reference_model", "as_of"], None, "string_type"),
        (["options", "drift_top_contributors_limit"], 21, "less_than_equal"),
        (["options", "max_turnover_pct"], "1.1", "less_than_equal"),
        (["options", "max_overdraft_by_ccy"], {"usd": "1"}, "value_error"),
        (["options", "max_overdraft_by_ccy"], {"": "1"}, "value_error"),
        (["options", "group_constraints"], {"sector": {"max_weight": "1"}}, "value_error"),
        (["options", "group_constraints"], {"sector:": {"max_weight": "1"}}, "value_error"),
        (["options", "min_trade_notional"], {"amount": "1", "currency": "x"}, "string_pattern_mismatch"),
        (["options", "funding_mode"], "MANUAL", "literal_error"),
    ],
)
def test_what_is_refused_is_refused_in_its_place(path: list[str | int], value: Any, error: str) -> None:
    ((found, loc),) = errors_of(SimulateRequest, changed(path, value))
    assert found == error
    assert all(said == given for said, given in zip(loc, path, strict=False))
    assert abs(len(path) - len(loc)) <= 2


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["proposed_trades", 0, "quantity"], 1.5),
        (["proposed_trades", 0, "quantity"], None),
        (["proposed_trades", 1, "notional", "amount"], 1.5),
        (["proposed_trades", 1, "notional", "amount"], "-1"),
    ],
)
def test_a_refused_trade_says_its_code(path: list[str | int], value: Any) -> None:
    with pytest.raises(ValidationError, match="PROPOSAL_INVALID_TRADE_INPUT: "):
        SimulateRequest.model_validate(changed(path, value))


def test_d11_prices_and_rates_are_positive() -> None:
    body = changed(["market_data_snapshot"], {"prices": [], "fx_rates": []})
    body["market_data_snapshot"]["prices"] = [{"instrument_id": "A", "price": "-0", "currency": "USD"}]
    body["market_data_snapshot"]["fx_rates"] = [{"pair": "EUR/USD", "rate": 0}]
    assert [error for error, _ in errors_of(SimulateRequest, body)] == ["greater_than", "greater_than"]


@pytest.mark.parametrize(
    ("options", "errors"),
    [
        ({"single_position_max_weight": "40"}, [("less_than_equal", "single_position_max_weight")]),
        ({"single_position_max_weight": "-0.1"}, [("greater_than_equal", "single_position_max_weight")]),
        (
            {"cash_band_min_weight": "-1", "cash_band_max_weight": 5},
            [("greater_than_equal", "cash_band_min_weight"), ("less_than_equal", "cash_band_max_weight")],
        ),
        ({"cash_band_min_weight": "0.5", "cash_band_max_weight": "0.4"}, [("value_error", None)]),
        (
            {"cash_band_min_weight": "0.5", "cash_band_max_weight": "0.4", "funding_mode": "X"},
            [("literal_error", "funding_mode")],
        ),
        ({"cash_band_min_weight": "1.00"}, []),
        ({"single_position_max_weight": "0", "cash_band_max_weight": "0"}, []),
        ({"single_position_max_weight": None, "cash_band_min_weight": "1", "cash_band_max_weight": "1.0"}, []),
    ],
)
def test_d27_limits_are_fractions(options: dict[str, Any], errors: list[tuple[str, str | None]]) -> None:
    body = changed(["options"], options)
    if not errors:
        assert SimulateRequest.model_validate(body).options.enable_proposal_simulation is False
        return
    expected = [(error, ("options", field) if field else ("options",)) for error, field in errors]
    assert errors_of(SimulateRequest, body) == expected


@pytest.mark.parametrize("targets", ["asset_class_targets", "instrument_targets"])
@pytest.mark.parametrize(("weight", "error"), [("60", "less_than_equal"), ("-0.1", "greater_than_equal")])
def test_d28_a_target_is_a_fraction(targets: str, weight: str, error: str) -> None:
    path = ["reference_model", targets, 0, "weight"]
    assert errors_of(SimulateRequest, changed(path, weight)) == [(error, tuple(path))]


NAMED: list[list[str | int]] = [
    ["portfolio_snapshot", "portfolio_id"],
    ["portfolio_snapshot", "positions", 0, "instrument_id"],
    ["market_data_snapshot", "prices", 0, "instrument_id"],
    ["shelf_entries", 0, "instrument_id"],
    ["proposed_trades", 0, "instrument_id"],
    ["reference_model", "instrument_targets", 0, "instrument_id"],
]


@pytest.mark.parametrize("path", NAMED, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u200b\ufeff", "\u2028", "\u2029", "\u00a0\u3000", "\u0085\u00ad"])
def test_d31_a_name_shows_something(path: list[str | int], blank: str) -> None:
    assert errors_of(SimulateRequest, changed(path, blank)) == [("string_too_short", tuple(path))]
    kept = SimulateRequest.model_validate(changed(path, f"{blank}A "))
    shown: Any = kept.model_dump()
    for step in path:
        shown = shown[step]
    assert shown == f"{blank}A "


@pytest.mark.parametrize("model", [CreateRequest, VersionRequest])
def test_d31_a_person_has_a_name(model: type[BaseModel]) -> None:
    body = {"created_by": "\u200b ", "simulate_request": BODY}
    assert errors_of(model, body) == [("string_too_short", ("created_by",))]


@pytest.mark.parametrize("blank", ["", " "])
def test_d31_what_names_no_person_portfolio_or_instrument_may_be_blank(blank: str) -> None:
    body = changed(["portfolio_snapshot", "snapshot_id"], blank)
    body["market_data_snapshot"]["snapshot_id"] = body["shelf_entries"][0]["issuer_id"] = blank
    body["reference_model"]["model_id"] = blank
    metadata = dict.fromkeys(("title", "advisor_notes", "jurisdiction", "mandate_id"), blank)
    request = CreateRequest.model_validate({"created_by": "c", "simulate_request": body, "metadata": metadata})
    assert request.metadata.model_dump() == metadata


def test_names_of_people_and_papers_are_limited() -> None:
    long = {"title": "t" * 501, "advisor_notes": "n" * 10_001, "jurisdiction": "j" * 256, "mandate_id": "m" * 256}
    body = {"created_by": "c" * 256, "simulate_request": BODY, "metadata": long}
    assert errors_of(CreateRequest, body) == [
        ("string_too_long", ("created_by",)),
        *(("string_too_long", ("metadata", name)) for name in long),
    ]
    body["created_by"], body["metadata"] = "c" * 255, {name: text[:-1] for name, text in long.items()}
    assert CreateRequest.model_validate(body).metadata.title == "t" * 500


@pytest.mark.parametrize(("number", "error"), [(0, "greater_than_equal"), (2**31, "less_than_equal")])
def test_an_expected_version_is_a_version_number(number: int, error: str) -> None:
    body = {"created_by": "a", "simulate_request": BODY, "expected_current_version_no": number}
    assert errors_of(VersionRequest, body) == [(error, ("expected_current_version_no",))]
    assert VersionRequest.model_validate(body | {"expected_current_version_no": 2**31 - 1}) is not None
    assert VersionRequest.model_validate(body | {"expected_current_version_no": None}) is not None


def test_unknown_keys_are_ignored_at_every_level() -> None:
    known = hash_of(BODY)
    assert hash_of(BODY | {"unknown": 1}) == known
    assert hash_of(changed(["options", "sulver"], True)) == known
    assert hash_of(changed(["proposed_trades", 0, "limit"], "9")) == known


@pytest.mark.parametrize(
    ("path", "spellings"),
    [
        (["portfolio_snapshot", "positions", 0, "quantity"], ["10", "10.0", "1E+1", 10, 10.0, " +10. "]),
        (["proposed_cash_flows", 0, "amount"], ["-1", "-1.000", -1]),
        (["proposed_cash_flows", 0, "amount"], ["0", "-0", "0.00", "0E+5", 0]),
        (["options", "fx_buffer_pct"], ["0.01", "0.0100", 0.01]),
        (["options", "drift_top_contributors_limit"], [5, 5.0, "5"]),
        (["portfolio_snapshot", "cash_balances", 0, "settled"], [None]),
        (["options", "max_overdraft_by_ccy"], [{}]),
    ],
)
def test_d17_every_spelling_of_a_request_has_one_hash(path: list[str | int], spellings: list[Any]) -> None:
    assert len({hash_of(changed(path, spelling)) for spelling in spellings}) == 1


def test_d17_a_default_that_is_written_out_changes_nothing() -> None:
    bare = changed(["options"], {})
    written = changed(["options"], EngineOptions().model_dump(mode="json"))
    written["proposed_cash_flows"][0]["description"] = None
    written["proposed_trades"][0]["intent_type"] = "SECURITY_TRADE"
    written["portfolio_snapshot"]["positions"][0]["lots"] = []
    assert hash_of(bare) == hash_of(written)
    del bare["options"]
    assert hash_of(bare) == hash_of(written)


def test_d17_a_release_that_adds_an_option_changes_no_hash() -> None:
    """Only what differs from its default is hashed, required fields and list entries always."""
    portfolio = {"portfolio_id": "p", "base_currency": "USD", "positions": [{"instrument_id": "A", "quantity": "1"}]}
    bare: dict[str, Any] = {"portfolio_snapshot": portfolio, "market_data_snapshot": {}, "shelf_entries": []}
    assert hash_of(bare | {"options": {"suitability_thresholds": {"issuer_max_weight": "0.2"}}}) == canonical_hash(bare)
    kept: dict[str, Any] = {"suitability_thresholds": {"max_weight_by_liquidity_tier": {}}}
    assert hash_of(bare | {"options": kept}) == canonical_hash(bare | {"options": kept})
    trade = {"side": "BUY", "instrument_id": "A", "quantity": "1"}
    written = trade | {"intent_type": "SECURITY_TRADE", "notional": None}
    assert hash_of(bare | {"proposed_trades": [written]}) == canonical_hash(bare | {"proposed_trades": [trade]})


def test_d17_what_is_computed_differently_has_another_hash() -> None:
    assert hash_of(changed(["options", "suitability_thresholds"], {"max_weight_by_liquidity_tier": {}})) != hash_of(
        changed(["options", "suitability_thresholds"], {})
    )
    assert hash_of(changed(["options", "auto_funding"], False)) != hash_of(BODY)
    assert hash_of(changed(["proposed_trades", 0, "quantity"], "1.0000001")) != hash_of(BODY)
    assert hash_of(changed(["proposed_trades"], BODY["proposed_trades"][::-1])) != hash_of(BODY)


def test_d19_the_hash_covers_the_body_without_its_callback() -> None:
    class WithCallback(CreateRequest):
        callback: dict[str, str] | None = None

    body = {"created_by": "advisor_1", "simulate_request": BODY, "callback": {"url": "https://example.org/secret"}}
    request = WithCallback.model_validate(body)
    assert request_hash(request) == request_hash(CreateRequest.model_validate(body))
    assert "secret" not in request_document(request)
    simulation = SimulateRequest.model_validate(BODY)
    create, version = CreateRequest.model_validate(body), VersionRequest.model_validate(body)
    titled = CreateRequest.model_validate(body | {"metadata": {"title": "T"}})
    other = CreateRequest.model_validate(body | {"created_by": "advisor_2"})
    expecting = VersionRequest.model_validate(body | {"expected_current_version_no": 3})
    hashes = [request_hash(request) for request in (simulation, create, titled, other, expecting)]
    assert len(set(hashes)) == len(hashes)
    # Nothing in the body tells a create from a version create; they have key spaces of their own.
    assert request_hash(version) == request_hash(create)


@pytest.mark.parametrize("model", [CreateRequest, VersionRequest])
def test_the_document_is_the_request_with_the_decimals_as_they_were_written(
    model: type[CreateRequest | VersionRequest],
) -> None:
    request = model.model_validate({"created_by": "ä\u2028", "simulate_request": BODY})
    text = request_document(request)
    again = model.model_validate_json(text)
    assert again == request
    assert request_document(again) == text == wire_text(json.loads(text))
    assert json.loads(text)["simulate_request"]["portfolio_snapshot"]["cash_balances"][0]["amount"] == "100.00"
    assert result_of(json.loads(text)["simulate_request"]) == result_of(BODY)


def test_the_options_are_dumped_in_the_contracts_order() -> None:
    case = load_cases(CASES)[0]
    assert list(EngineOptions.model_fields) == list(case["artifact"]["evidence_bundle"]["inputs"]["options"])


def schemas_in(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    nested: dict[str, Any] = schema["$defs"]
    return nested | {model.__name__: schema}


@pytest.mark.parametrize("model", [CreateRequest, VersionRequest])
def test_every_field_says_what_it_is_with_an_example(model: type[BaseModel]) -> None:
    silent = [
        f"{name}.{field}"
        for name, schema in schemas_in(model).items()
        for field, said in schema.get("properties", {}).items()  # an enum has none
        if not said.get("description") or not said.get("examples")
    ]
    assert silent == []
    assert SimulateRequest.model_validate(EXAMPLE).options.enable_proposal_simulation

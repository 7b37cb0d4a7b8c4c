"""What holds for every accepted request, whatever it says."""

import json
import re
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from multiprocessing import get_context
from random import Random
from typing import Any

import pytest
from contract.compare import artifact_hash
from engine_requests import CREATED_AT, evidence_of, failed_rules, fx_trades, result_of
from engine_strategies import decimal_texts, first_plausible_bodies, plausible_bodies, tiny_purchases, wild_bodies
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.canonical import sha256_of
from domain.currencies import minor_unit
from domain.engine.validate import refusals
from domain.evidence import SimulatedDocument, artifact_documents, simulate_document
from domain.request import SimulateRequest, request_document, request_hash

GENERATED = 300
LONG_DECIMAL = re.compile(r"-?\d+\.\d{20,}(E-\d+)?")
ZERO = Decimal(0)


def balances(state: Mapping[str, Any]) -> dict[str, Decimal]:
    return {row["currency"]: Decimal(row["amount"]) for row in state["cash_balances"]}


def quantities(state: Mapping[str, Any]) -> dict[str, Decimal]:
    return {row["instrument_id"]: Decimal(row["quantity"]) for row in state["positions"]}


def cash_moves(result: Mapping[str, Any], *kinds: str) -> list[tuple[str, Decimal]]:
    """(currency, signed amount) of the intents of these kinds: FLOW, SELL, BUY, FX."""
    moves = []
    for intent in result["intents"]:
        if intent["intent_type"] == "CASH_FLOW":
            moves.append(("FLOW", intent["currency"], Decimal(intent["amount"])))
        elif intent["intent_type"] == "FX_SPOT":
            moves.append(("FX", intent["buy_currency"], Decimal(intent["buy_amount"])))
            moves.append(("FX", intent["sell_currency"], -Decimal(intent["sell_amount_estimated"])))
        else:
            sign = 1 if intent["side"] == "SELL" else -1
            moves.append((intent["side"], intent["notional"]["currency"], sign * Decimal(intent["notional"]["amount"])))
    return [(currency, amount) for kind, currency, amount in moves if kind in kinds]


def added(start: Mapping[str, Decimal], moves: list[tuple[str, Decimal]]) -> dict[str, Decimal]:
    found = dict(start)
    for currency, amount in moves:
        found[currency] = found.get(currency, ZERO) + amount
    return found


def sold_too_much(result: Mapping[str, Any]) -> set[str]:
    """The instruments of which more is sold than is held before."""
    left = quantities(result["before"])
    for intent in result["intents"]:
        if intent.get("side") == "SELL":
            left[intent["instrument_id"]] = left.get(intent["instrument_id"], ZERO) - Decimal(intent["quantity"])
    return {name for name, quantity in left.items() if quantity < 0}


def test_the_generator_makes_what_the_properties_need() -> None:
    results = [result_of(body) for body in first_plausible_bodies(GENERATED)]
    shares = {
        "READY with a trade": [
            result["status"] == "READY" and any(i["intent_type"] == "SECURITY_TRADE" for i in result["intents"])
            for result in results
        ],
        "FX": [bool(fx_trades(result)) for result in results],
        "drift": [result["drift_analysis"] is not None for result in results],
        "suitability": [bool(result["suitability"] and result["suitability"]["issues"]) for result in results],
        "unfunded": ["PROPOSAL_BUY_SKIPPED_UNFUNDED" in result["diagnostics"]["warnings"] for result in results],
        "BLOCKED": [result["status"] == "BLOCKED" for result in results],
        "PENDING_REVIEW": [result["status"] == "PENDING_REVIEW" for result in results],
        "dropped trades": [bool(result["diagnostics"]["dropped_intents"]) for result in results],
        "nothing held": [ZERO in quantities(result["before"]).values() for result in results],
        "sold more than held": [bool(sold_too_much(result)) for result in results],
    }
    least = {"READY with a trade": 0.3, "FX": 0.15, "drift": 0.3, "suitability": 0.3}
    for name, hits in shares.items():
        assert sum(hits) / GENERATED >= least.get(name, 0.02), name


@given(plausible_bodies())
def test_money_and_units_are_conserved(body: dict[str, Any]) -> None:
    result = result_of(body)
    before, after = result["before"], result["after_simulated"]
    expected = added(balances(before), cash_moves(result, "FLOW", "SELL", "BUY", "FX"))
    assert {currency: amount for currency, amount in expected.items() if amount} == {
        currency: amount for currency, amount in balances(after).items() if amount
    }
    units = quantities(before)
    for intent in result["intents"]:
        if intent["intent_type"] == "SECURITY_TRADE":
            sign = 1 if intent["side"] == "BUY" else -1
            units[intent["instrument_id"]] = units.get(intent["instrument_id"], ZERO) + sign * Decimal(
                intent["quantity"]
            )
    assert units == quantities(after)


@given(plausible_bodies())
def test_ready_means_ready(body: dict[str, Any]) -> None:
    result = result_of(body)
    failed = [rule["severity"] for rule in result["rule_results"] if rule["status"] == "FAIL"]
    assert (result["status"] == "READY") == (not failed)
    assert (result["status"] == "BLOCKED") == ("HARD" in failed)
    if result["status"] != "BLOCKED":
        assert min(balances(result["after_simulated"]).values(), default=ZERO) >= 0
        assert min(quantities(result["after_simulated"]).values(), default=ZERO) >= 0
        assert result["reconciliation"]["status"] == "OK"
        assert result["diagnostics"]["data_quality"]["shelf_missing"] == []


@given(plausible_bodies())
def test_no_sale_of_more_than_is_held_is_ready(body: dict[str, Any]) -> None:
    result = result_of(body)
    if sold_too_much(result):
        assert "NO_SHORTING" in failed_rules(result)
        assert result["status"] == "BLOCKED"


@given(plausible_bodies() | wild_bodies())
def test_every_trade_of_the_request_is_made_or_dropped(body: dict[str, Any]) -> None:
    assume(not refusals(SimulateRequest.model_validate(body)))
    result = result_of(body)
    made = [i["intent_id"] for i in result["intents"] if i["intent_type"] == "SECURITY_TRADE"]
    dropped = [entry["intent_id"] for entry in result["diagnostics"]["dropped_intents"]]
    asked = [f"oi_{number}" for number in range(1, len(body["proposed_trades"]) + 1)]
    assert sorted([*made, *dropped]) == sorted(asked)
    assert dropped == [intent_id for intent_id in asked if intent_id in dropped]


@given(plausible_bodies() | tiny_purchases() | wild_bodies())
def test_no_fx_is_for_nothing_and_each_leg_is_in_minor_units(body: dict[str, Any]) -> None:
    assume(not refusals(SimulateRequest.model_validate(body)))
    exact = Context(prec=100)
    for pair, bought, sold in fx_trades(result_of(body)):
        for amount, currency in ((bought, pair[:3]), (sold, pair[4:])):
            assert Decimal(amount) >= minor_unit(currency)
            assert exact.remainder(Decimal(amount), minor_unit(currency)) == 0


@given(plausible_bodies())
def test_nothing_held_is_no_missing_data(body: dict[str, Any]) -> None:
    expected = _simulated(body)
    portfolio = body["portfolio_snapshot"]
    portfolio["positions"] += [{"instrument_id": "NOTHING", "quantity": quantity} for quantity in ("0.00", "3", "-3")]
    portfolio["cash_balances"].append({"currency": "XTS", "amount": "0.00"})
    result = _simulated(body)
    for part in ("status", "intents", "rule_results", "diagnostics", "gate_decision", "suitability"):
        assert result[part] == expected[part]


@given(plausible_bodies())
def test_funding_overdraws_no_currency(body: dict[str, Any]) -> None:
    body["options"] |= {"auto_funding": True, "proposal_apply_cash_flows_first": True}
    result = result_of(body)
    funded_from = added(balances(result["before"]), cash_moves(result, "FLOW", "SELL"))
    for currency, amount in balances(result["after_simulated"]).items():
        assert amount >= min(ZERO, funded_from.get(currency, ZERO))


@given(plausible_bodies())
def test_each_bought_currency_has_one_entry_in_the_plan(body: dict[str, Any]) -> None:
    result = result_of(body | {"options": body["options"] | {"auto_funding": True}})
    plan = result["diagnostics"]["funding_plan"]
    targets = [entry["target_currency"] for entry in plan]
    assert targets == sorted(set(targets))
    funded = [(entry["fx_pair"], entry["fx_needed"]) for entry in plan if entry["fx_pair"]]
    assert sorted(funded) == sorted((pair, bought) for pair, bought, _ in fx_trades(result))
    bought = {i["notional"]["currency"] for i in result["intents"] if i.get("side") == "BUY"}
    assert bought <= set(targets)


@given(plausible_bodies())
def test_weights_and_values_add_up(body: dict[str, Any]) -> None:
    result = result_of(body)
    for state in (result["before"], result["after_simulated"]):
        total = Decimal(state["total_value"]["amount"])
        cash = [row for row in state["allocation_by_asset_class"] if row["key"] == "CASH"]
        for rows in (state["allocation_by_asset_class"], [*state["allocation_by_instrument"], *cash]):
            assert abs(sum(Decimal(row["value"]["amount"]) for row in rows) - total) < Decimal("0.0001")
            whole = int(total > 0)
            assert abs(sum(Decimal(row["weight"]) for row in rows) - whole) <= Decimal("0.0001") * len(rows)


@given(plausible_bodies())
def test_the_same_request_gives_the_same_bytes(body: dict[str, Any]) -> None:
    assert evidence_of(body) == evidence_of(json.loads(json.dumps(body)))


@given(plausible_bodies())
def test_the_artifact_carries_its_hash_and_is_rebuilt_from_what_is_stored(body: dict[str, Any]) -> None:
    result, whole, found = evidence_of(body)
    artifact = json.loads(whole)
    assert artifact_hash(artifact) == found == artifact["evidence_bundle"]["hashes"]["artifact_hash"]
    assert artifact["evidence_bundle"]["engine_outputs"]["proposal_result"] == json.loads(result)
    text = request_document(SimulateRequest.model_validate(body))
    documents = [
        artifact_documents(text, stored, kind="simulate", created_at=CREATED_AT) for stored in (result, result + " ")
    ]
    assert documents[0] == documents[1]
    inputs = SimulateRequest.model_validate(artifact["evidence_bundle"]["inputs"])
    assert request_hash(inputs) == artifact["evidence_bundle"]["hashes"]["request_hash"]


@given(plausible_bodies(), st.randoms(use_true_random=True))
def test_another_order_of_the_rows_changes_nothing_but_the_order(body: dict[str, Any], random: Random) -> None:
    _make_exact(body)
    shuffled = json.loads(json.dumps(body))
    data = shuffled["market_data_snapshot"]
    for rows in (data["prices"], data["fx_rates"], shuffled["shelf_entries"]):
        random.shuffle(rows)
    expected = _simulated(body)
    assert _simulated(shuffled) == expected
    for rows in (shuffled["portfolio_snapshot"]["positions"], shuffled["portfolio_snapshot"]["cash_balances"]):
        random.shuffle(rows)
    result = _simulated(shuffled)
    assert result["intents"] == expected["intents"]
    assert result["drift_analysis"] == expected["drift_analysis"]
    assert _rounded(result["suitability"]) == _rounded(expected["suitability"])
    assert result["gate_decision"] == expected["gate_decision"]
    assert _unordered(_rounded(result)) == _unordered(_rounded(expected))


def _make_exact(body: dict[str, Any]) -> None:
    """Only direct rates and calculated values: then sums are exact, and their order cannot show."""
    base = body["portfolio_snapshot"]["base_currency"]
    rates = body["market_data_snapshot"]["fx_rates"]
    body["market_data_snapshot"]["fx_rates"] = [rate for rate in rates if rate["pair"].endswith(base)]
    body["options"].pop("valuation_mode", None)


def _simulated(body: dict[str, Any]) -> dict[str, Any]:
    """The result under a fixed hash: the order of rows is part of what is hashed."""
    text = request_document(SimulateRequest.model_validate(body))
    document = simulate_document(text, kind="simulate", request_hash="h", correlation_id="c", idempotency_key=None)
    result: dict[str, Any] = json.loads(document.text)
    return result


def _rounded(value: Any) -> Any:
    """Weights of issuers and tiers are sums of rounded weights: their last digits depend on the order."""
    if isinstance(value, dict):
        return {name: _rounded(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, str) and LONG_DECIMAL.fullmatch(value):
        return str(round(Decimal(value), 20))
    return value


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unordered(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return sorted((_unordered(item) for item in value), key=json.dumps)
    return value


@given(plausible_bodies(), st.randoms(use_true_random=True))
def test_every_spelling_of_a_request_has_one_hash(body: dict[str, Any], random: Random) -> None:
    request = SimulateRequest.model_validate(body)
    spelled = _respelled(json.loads(request_document(request)), random)
    again = SimulateRequest.model_validate(spelled)
    assert request_hash(again) == request_hash(request)
    text = request_document(again)
    assert SimulateRequest.model_validate_json(text) == again
    assert request_document(SimulateRequest.model_validate_json(text)) == text


NUMBERS = ("quantity", "amount", "price", "rate", "weight", "single_position_max_weight", "cash_band_max_weight")


def _respelled(value: Any, random: Random, name: str = "") -> Any:
    """The same request written differently: order of keys, unknown keys, decimals."""
    if isinstance(value, dict):
        items = [(key, _respelled(member, random, key)) for key, member in value.items()]
        random.shuffle(items)
        # The keys of a map are the client's; anywhere else an unknown key is ignored.
        is_map = name in ("attributes", "max_weight_by_liquidity_tier", "max_overdraft_by_ccy", "group_constraints")
        return dict(items) if is_map else dict([*items, ("unknown", random.random())])
    if isinstance(value, list):
        return [_respelled(item, random) for item in value]
    if name in NUMBERS and isinstance(value, str):
        number = Decimal(value)
        padded = f"{number:f}" + ("00" if "." in f"{number:f}" else ".000")
        spellings = [value, padded, f" {value}\n", f"{number:E}"]
        return random.choice([*spellings, int(number)] if number == int(number) else spellings)
    return value


@given(wild_bodies())
def test_whatever_is_accepted_gives_a_result_and_an_artifact(body: dict[str, Any]) -> None:
    request = SimulateRequest.model_validate(body)
    assume(not refusals(request))
    result, whole, found = evidence_of(body)
    assert artifact_hash(json.loads(whole)) == found
    assert json.loads(result)["status"] in ("READY", "PENDING_REVIEW", "BLOCKED")


@given(decimal_texts(), decimal_texts())
def test_decimals_have_one_hash_when_they_are_equal_and_only_then(one: str, other: str) -> None:
    exact = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN)
    assert _hash_with_amount(str(Decimal(one).normalize(exact))) == _hash_with_amount(one)
    assert (_hash_with_amount(one) == _hash_with_amount(other)) == (Decimal(one) == Decimal(other))


def _hash_with_amount(amount: str) -> str:
    body = {
        "portfolio_snapshot": {
            "portfolio_id": "p",
            "base_currency": "USD",
            "cash_balances": [{"currency": "USD", "amount": amount}],
        },
        "market_data_snapshot": {},
        "shelf_entries": [],
    }
    return request_hash(SimulateRequest.model_validate(body))


def test_other_processes_with_other_hash_seeds_make_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [request_document(SimulateRequest.model_validate(body)) for body in first_plausible_bodies(40)]
    expected = [_digest(text) for text in texts]
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            jobs = [pool.submit(simulate_document, text, **_call(text)) for text in texts]
            found = [job.result() for job in jobs]
        assert [sha256_of(document.text) for document in found] == expected


def _call(text: str) -> dict[str, Any]:
    return {"kind": "simulate", "request_hash": sha256_of(text), "correlation_id": "c", "idempotency_key": None}


def _digest(text: str) -> str:
    document: SimulatedDocument = simulate_document(text, **_call(text))
    return sha256_of(document.text)

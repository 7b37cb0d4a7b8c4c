"""The oracle of batches: each run has what `POST /simulate` of its own request has, byte for byte."""

import json
from pathlib import Path
from typing import Any

import pytest
from batches import IDENTITY, MAX_ROWS, composed, computed, parsed, simulated
from contract.compare import load_cases
from engine_strategies import plausible_bodies, wild_bodies
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.batch.chunks import Chunk, chunk_text, common_text
from domain.batch.composing import RunRefused
from domain.batch.running import computed_runs
from domain.request import SimulateRequest

CASES = load_cases(Path(__file__).parent / "cases" / "cases.jsonl.gz")
FOREIGN = [f"FOREIGN_{number}" for number in range(50)]
OPTIONS = "options"


def batch_line(request: dict[str, Any]) -> str:
    """The line of a batch with this item alone."""
    batch = parsed({"created_by": "desk_1", "items": [{"id": "x", **request}]})
    common = common_text(batch.shared, batch.scenarios, max_rows=MAX_ROWS)
    text = chunk_text(Chunk(first_item=0, first_run=0, items=batch.items))
    (run,) = computed_runs(text, common, IDENTITY).runs
    return run.line


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case_id"])
def test_a_run_has_the_bytes_of_the_simulation_of_its_request(case: dict[str, Any]) -> None:
    reduced = composed([{}, case["request"], {}])
    assert batch_line(case["request"]).endswith(f',"result":{simulated(reduced)}}}')


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case_id"])
def test_leaving_out_what_a_run_does_not_name_changes_no_number(case: dict[str, Any]) -> None:
    request = case["request"]
    market = request["market_data_snapshot"]
    prices = [{"instrument_id": name, "price": "7", "currency": "USD"} for name in FOREIGN]
    shelf = [{"instrument_id": name, "status": "BANNED"} for name in FOREIGN]
    larger = request | {
        "market_data_snapshot": market | {"prices": [*prices, *market.get("prices", [])]},
        "shelf_entries": [*shelf, *request["shelf_entries"]],
    }
    reduced = composed([{}, larger, {}])
    assert reduced == composed([{}, request, {}])
    whole = _without_identity(simulated(SimulateRequest.model_validate(request)))
    assert _without_identity(simulated(reduced)) == whole


@settings(max_examples=40, deadline=None)
@given(st.one_of(plausible_bodies(), wild_bodies()), st.data())
def test_any_split_into_shared_item_and_scenario_composes_the_same_request(
    body: dict[str, Any], data: st.DataObject
) -> None:
    parts: list[dict[str, Any]] = [{}, {}, {}]
    for name, value in body.items():
        if name == OPTIONS:
            for option, chosen in value.items():
                for place, given_value in _places(data, chosen, decoy=chosen):
                    parts[place].setdefault(OPTIONS, {})[option] = given_value
            continue
        for place, given_value in _places(data, value, decoy=DECOYS.get(name, value)):
            parts[place][name] = given_value
    assert outcome(parts) == outcome([{}, body, {}])


def outcome(parts: list[dict[str, Any]]) -> tuple[SimulateRequest, str] | list[tuple[str, str]]:
    """The request that is composed, with its simulation, or why it is refused, wherever that was sent."""
    try:
        request = composed(parts)
    except RunRefused as refused:
        return [(error.type, error.msg) for error in refused.errors]
    return request, simulated(request)


def _places(data: st.DataObject, value: Any, *, decoy: Any) -> list[tuple[int, Any]]:
    """Where the value stands, with decoys that it overrides in the parts before."""
    last = data.draw(st.integers(0, 2))
    before = [place for place in range(last) if data.draw(st.booleans())]
    return [(last, value), *((place, decoy) for place in before)]


DECOYS: dict[str, Any] = {
    "portfolio_snapshot": {"portfolio_id": "decoy", "base_currency": "XXX"},
    "market_data_snapshot": {"prices": [{"instrument_id": "A", "price": "1", "currency": "XXX"}]},
    "shelf_entries": [{"instrument_id": "A", "status": "BANNED"}],
    "proposed_cash_flows": [{"currency": "XXX", "amount": "1"}],
    "proposed_trades": [{"side": "BUY", "instrument_id": "A", "fraction_of_portfolio": "1"}],
    "reference_model": None,
}


def _without_identity(text: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(text)
    del result["proposal_run_id"], result["lineage"]["request_hash"]
    return result


def test_each_line_of_several_items_in_several_scenarios_is_its_own_simulation() -> None:
    cases = [case["request"] for case in CASES[:20]]
    items = [{"id": f"case_{number}", **request} for number, request in enumerate(cases)]
    scenarios: dict[str, Any] = {"as-proposed": {}, "hold": {"proposed_trades": []}}
    lines = computed({"created_by": "desk_1", "items": items, "scenarios": scenarios})
    assert [(line["run_no"], line["item_id"], line["scenario"]) for line in lines] == [
        (2 * number + place, f"case_{number}", name)
        for number in range(20)
        for place, name in enumerate(("as-proposed", "hold"))
    ]

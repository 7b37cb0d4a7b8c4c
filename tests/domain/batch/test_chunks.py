"""Batches in chunks, stored and read again, and the hash that an idempotency key is compared by."""

import json
from typing import Any

import pytest
from batches import (
    IDENTITY,
    MAX_ROWS,
    a_market,
    a_portfolio,
    an_analysis,
    composition_of,
    computed,
    parsed,
    ready_or_refused,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.batch import running
from domain.batch.chunks import Chunk, chunk_text, chunks_of, common_text, read_chunk
from domain.batch.parts import PartError
from domain.batch.request import AnalyzeRequest, batch_hash
from domain.batch.running import computed_runs, failed_run
from domain.errors import OperationInternalError


def hash_of(body: dict[str, Any]) -> str:
    return batch_hash(parsed(body), body)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 20))
def test_a_chunk_has_consecutive_items_and_25_runs_at_most(items: int, scenarios: int) -> None:
    body = an_analysis(
        *[a_portfolio(number) for number in range(items)], scenarios={f"s{n}": {} for n in range(scenarios)}
    )
    chunks = [chunk for chunk, _ in chunks_of(parsed(body).items, composition_of(body))]
    assert [item.id for chunk in chunks for item in chunk.items] == [f"pf_{number}" for number in range(items)]
    assert all(len(chunk.items) * scenarios <= 25 for chunk in chunks)
    assert all((len(chunk.items) + 1) * scenarios > 25 for chunk in chunks[:-1])
    firsts = [sum(len(before.items) for before in chunks[:place]) for place in range(len(chunks))]
    assert [chunk.first_item for chunk in chunks] == firsts
    assert [chunk.first_run for chunk in chunks] == [first * scenarios for first in firsts]


def test_large_portfolios_are_chunks_of_their_own() -> None:
    rows = [{"instrument_id": f"I{number}", "quantity": "1"} for number in range(3000)]
    large = {"portfolio_id": "p", "base_currency": "SGD", "positions": rows}
    items = [a_portfolio(number, **({"portfolio_snapshot": large} if number in (1, 2) else {})) for number in range(4)]
    body = an_analysis(*items)
    sizes = [(len(chunk.items), rows) for chunk, rows in chunks_of(parsed(body).items, composition_of(body))]
    assert sizes == [(2, 3008), (2, 3008)]
    body = an_analysis(*items, scenarios={"a": {}, "b": {}})
    assert [len(chunk.items) for chunk, _ in chunks_of(parsed(body).items, composition_of(body))] == [1, 1, 1, 1]


def test_a_chunk_is_read_as_it_was_stored() -> None:
    request = parsed(an_analysis(a_portfolio(0), a_portfolio(1, shelf_entries=7), a_portfolio(2, options={})))
    chunk = Chunk(first_item=4, first_run=8, items=request.items)
    text = chunk_text(chunk)
    assert read_chunk(text) == chunk
    assert chunk_text(read_chunk(text)) == text


def test_an_item_that_this_release_refuses_fails_its_runs_alone() -> None:
    body = an_analysis()
    request = parsed(body)
    text = chunk_text(Chunk(first_item=0, first_run=0, items=request.items))
    older = text.replace('"side":"BUY"', '"side":"HOLD"', 1)
    runs = computed_runs(older, common_text(request.shared, request.scenarios, max_rows=MAX_ROWS), IDENTITY).runs
    assert [run.is_failed for run in runs] == [True, False, False]


def test_a_bug_in_one_run_fails_that_run_and_shows_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate = running.simulate

    def buggy(request: Any, **identity: Any) -> dict[str, Any]:
        if request.portfolio_snapshot.portfolio_id == "pf_1":
            raise ZeroDivisionError("secret")
        return simulate(request, **identity)

    monkeypatch.setattr(running, "simulate", buggy)
    request = parsed(an_analysis())
    common = common_text(request.shared, request.scenarios, max_rows=MAX_ROWS)
    runs = computed_runs(chunk_text(Chunk(first_item=0, first_run=0, items=request.items)), common, IDENTITY)
    assert [run.is_failed for run in runs.runs] == [False, True, False]
    (fault,) = runs.faults
    assert (fault.run_no, fault.error_class) == (1, "ZeroDivisionError")
    assert fault.at[-1].endswith(" buggy")
    assert json.loads(runs.runs[1].line)["error"] == {
        "code": "OPERATION_INTERNAL_ERROR",
        "message": "OPERATION_INTERNAL_ERROR",
    }
    assert "secret" not in repr(runs)


def test_one_run_alone_is_the_same_as_among_the_others() -> None:
    request = parsed(an_analysis(scenarios={"a": {}, "b": {}}))
    common = common_text(request.shared, request.scenarios, max_rows=MAX_ROWS)
    text = chunk_text(Chunk(first_item=3, first_run=6, items=request.items))
    together = computed_runs(text, common, IDENTITY).runs
    alone = [computed_runs(text, common, IDENTITY, only=number).runs for number in range(6, 12)]
    assert [run for (run,) in alone] == list(together)
    failed = json.loads(failed_run(text, common, OperationInternalError, run_no=9).line)
    assert (failed["run_no"], failed["item_id"], failed["scenario"]) == (9, "pf_1", "b")
    assert failed["error"]["code"] == "OPERATION_INTERNAL_ERROR"


def test_equal_batches_have_one_hash_however_they_are_written() -> None:
    body = an_analysis()
    assert hash_of(body) == hash_of(an_analysis(scenarios={"baseline": {}}))
    assert hash_of(body) == hash_of(an_analysis(description="for people"))
    assert hash_of(body) == hash_of(an_analysis(scenarios={"baseline": {"description": "for people"}}))
    other_spelling = an_analysis(shared=a_market(price="50.0"))
    assert hash_of(body) == hash_of(other_spelling)


@pytest.mark.parametrize(
    "other",
    [
        an_analysis(created_by="desk_2"),
        an_analysis(shared=a_market(price="51")),
        an_analysis(a_portfolio(0), a_portfolio(1)),
        an_analysis(a_portfolio(1), a_portfolio(0), a_portfolio(2)),
        an_analysis(scenarios={"other": {}}),
        an_analysis(scenarios={"baseline": {"proposed_trades": []}}),  # equals a default, and overrides all the same
        an_analysis(scenarios={"baseline": {"options": {"allow_restricted": False}}}),
        an_analysis(scenarios={"baseline": {"reference_model": None}}),
    ],
)
def test_other_batches_have_another_hash(other: dict[str, Any]) -> None:
    assert hash_of(other) != hash_of(an_analysis())


def test_what_did_not_parse_is_hashed_as_it_was_sent() -> None:
    malformed = an_analysis(a_portfolio(0, shelf_entries=7))
    assert hash_of(malformed) == hash_of(json.loads(json.dumps(malformed)))
    assert hash_of(malformed) != hash_of(an_analysis(a_portfolio(0, shelf_entries=8)))
    assert hash_of(an_analysis(scenarios={"s": {"shelf_entries": 7, "description": "a"}})) == hash_of(
        an_analysis(scenarios={"s": {"shelf_entries": 7, "description": "b"}})
    )


def test_a_batch_is_of_a_portfolio_when_it_is_of_one() -> None:
    assert parsed(an_analysis(a_portfolio(0))).portfolio_id == "pf_0"
    assert parsed(an_analysis()).portfolio_id is None
    shared = a_market() | {"portfolio_snapshot": a_portfolio(7)["portfolio_snapshot"]}
    assert parsed(an_analysis({"id": "a"}, {"id": "b"}, shared=shared)).portfolio_id == "pf_7"


def test_the_whole_request_is_documented_with_its_parts() -> None:
    schemas = AnalyzeRequest.model_json_schema()["$defs"]
    assert {"BatchItem", "BatchScenario", "SharedPart", "SizedTrade"} <= schemas.keys()
    assert "fraction_of_position" in schemas["SizedTrade"]["properties"]
    assert "default" not in schemas["BatchItem"]["properties"]["shelf_entries"]


def test_worked_lines_of_the_contract() -> None:
    market = {
        "prices": [
            {"instrument_id": "EQ_US_TECH", "price": "40.00", "currency": "USD"},
            {"instrument_id": "FUND_EU", "price": "12.345", "currency": "EUR"},
        ],
        "fx_rates": [{"pair": "USD/SGD", "rate": "1.35"}, {"pair": "EUR/SGD", "rate": "1.46"}],
    }
    shelf = [
        {"instrument_id": name, "status": "APPROVED", "asset_class": "EQUITY"} for name in ("EQ_US_TECH", "FUND_EU")
    ]
    shared = {"market_data_snapshot": market, "shelf_entries": shelf, "options": {"enable_proposal_simulation": True}}
    held = [{"instrument_id": "EQ_US_TECH", "quantity": "100"}]
    first = {
        "id": "pf_1",
        "portfolio_snapshot": {
            "portfolio_id": "pf_1",
            "base_currency": "SGD",
            "positions": held,
            "cash_balances": [{"currency": "SGD", "amount": "1000.00"}],
        },
        "proposed_trades": [{"side": "SELL", "instrument_id": "EQ_US_TECH", "quantity": "50"}],
    }
    second = {
        "id": "pf_2",
        "portfolio_snapshot": first["portfolio_snapshot"] | {"positions": [held[0] | {"quantity": "-"}]},
    }
    lines = computed(an_analysis(first, second, shared=shared, scenarios={"hold": {"proposed_trades": []}, "trim": {}}))
    assert [line["status"] for line in lines] == ["SUCCEEDED", "SUCCEEDED", "FAILED", "FAILED"]
    hold, trim = lines[0]["metrics"], lines[1]["metrics"]
    assert hold["gross_turnover_notional_base"] == {"amount": "0", "currency": "SGD"}
    assert hold["total_value_before"] == {"amount": "6400.0000", "currency": "SGD"}
    assert (hold["status"], hold["gate"], hold["drift_total_before"]) == ("READY", "CLIENT_CONSENT_REQUIRED", None)
    assert trim["gross_turnover_notional_base"] == {"amount": "2700.0000", "currency": "SGD"}
    assert (trim["cash_weight_before"], trim["cash_weight_after"]) == ("0.1562", "0.5781")
    assert trim["security_intent_count"] == 1
    assert lines[2]["error"]["errors"][0]["loc"] == ["items", 1, "portfolio_snapshot", "positions", 0, "quantity"]


def test_long_texts_count_as_the_rows_that_their_bytes_come_to() -> None:
    entry = {"instrument_id": "A", "status": "APPROVED", "asset_class": "x" * 400_000}
    foreign = [
        {"instrument_id": f"Z{number}", "status": "APPROVED", "asset_class": "x" * 400_000} for number in range(5)
    ]
    body = an_analysis(shared=a_market() | {"shelf_entries": [entry, *foreign]})
    items, composition = parsed(body).items, composition_of(body)
    assert [2_000 < composition.row_count(item.part, "baseline") < 2_010 for item in items] == [True] * 3
    assert [len(chunk.items) for chunk, _ in chunks_of(items, composition)] == [2, 1]
    refused = ready_or_refused(body, max_rows=5_000)
    assert isinstance(refused, PartError)
    assert refused.msg == "The runs of a batch should have at most 5000 rows together"

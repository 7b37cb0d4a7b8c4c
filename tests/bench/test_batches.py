import json
from dataclasses import replace
from decimal import Decimal

import pytest

from bench.batch_requests import POSITIONS, a_house_view, single_requests
from bench.batches import FULL, Measured, engine_part, table
from bench.page import PAGE, replaced
from domain.batch.chunks import Chunk, chunk_text, common_text
from domain.batch.request import AnalyzeRequest
from domain.batch.running import RunIdentity, computed_runs
from domain.evidence import simulate_document
from domain.request import SimulateRequest, request_document

MEASURED = Measured(
    cpu_ms=4.0,
    cpu_ms_unreduced=100.0,
    body_mb=2.2,
    post=[0.2, 0.3, 0.9],
    first_run=[0.5],
    one_scenario=[4.0],
    three_scenarios=16.0,
    worker_cpu_of_three=10.0,
    beside_creates=[8.0],
    create_calm=[0.02],
    create_beside=[0.04],
    poll_ms={2: 2.0, 63: 3.5},
    stored_bytes=4200.0,
    events=40,
    singles={"each with its own prices": 5.0},
)


def test_each_budget_is_a_line_with_its_verdict():
    lines = {line.split(" | ")[0].strip("| "): line for line in table(MEASURED, FULL)}
    assert lines["POST of 2.2 MB, p50 s"] == "| POST of 2.2 MB, p50 s | <= 0.8 | 0.30 | met |"
    assert lines["500 x 3, submit to SUCCEEDED, s"].endswith("| 16.00 | **missed** |")
    assert lines["runs/s of a core of workers"].endswith("| 150.00 | met |")
    assert lines["create p99 beside running batches, to that without"].endswith("| 2.00 | **missed** |")
    assert lines["next run after kill -9 of everything and a restart, s"].endswith("| - | not measured |")
    assert lines["poll of a batch of 63 chunks, p50 ms"].endswith("| 3.50 | **missed** |")
    assert lines["one batch"] == "| one batch | 4.0 | 125 |"
    assert lines["single simulate calls by 8 clients, each with its own prices"].endswith("| 5.0 | 100 |")


def test_the_page_has_a_place_for_it():
    assert "| a |" in replaced(PAGE.read_text(), "batches", ["| a |"])


def traded(result) -> list[tuple]:
    return [(intent["instrument_id"], *map(Decimal, numbers_of(intent))) for intent in result["intents"]]


def numbers_of(intent) -> tuple[str, str]:
    return intent["quantity"], intent["notional_base"]["amount"]


@pytest.mark.parametrize("is_reduced", [True, False])
def test_a_single_call_computes_what_the_run_of_its_item_does(is_reduced):
    body = a_house_view(2, universe=100)
    request = AnalyzeRequest.model_validate(body, context={"max_rows": 10_000})
    common = common_text(request.shared, request.scenarios, max_rows=10_000)
    runs = computed_runs(
        chunk_text(Chunk(first_item=0, first_run=0, items=request.items)),
        common,
        RunIdentity(correlation_id="c", idempotency_key=None),
    )
    for run, single in zip(runs.runs, single_requests(body, is_reduced=is_reduced), strict=True):
        document = request_document(SimulateRequest.model_validate(single))
        simulated = simulate_document(
            document, kind="simulate", request_hash="", correlation_id="c", idempotency_key=None
        )
        computed, expected = json.loads(run.line)["result"], json.loads(simulated.text)
        assert len(computed["before"]["positions"]) == POSITIONS
        for part in ("status", "before"):
            assert computed[part] == expected[part], part
        assert traded(computed) == traded(expected)


def test_the_engine_part_is_measured_and_what_is_shared_makes_it_dear():
    measured = replace(MEASURED)
    engine_part(a_house_view(3, universe=500), measured, unreduced=1)
    assert 0 < measured.cpu_ms < measured.cpu_ms_unreduced

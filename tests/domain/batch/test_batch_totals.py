"""The small result of a batch: sums over its runs."""

import json
from typing import Any

from batches import a_portfolio, an_analysis, computed
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.batch.metrics import Totals, metrics_of, results_hash
from domain.canonical import sha256_of

CHUNKS = ["sha256:1", "sha256:2"]


def totals_of(lines: list[dict[str, Any]], *, versions: tuple[str, ...] = ("2.0.0",)) -> dict[str, Any]:
    totals = Totals(sorted({line["scenario"] for line in lines}))
    for line in lines:
        totals.add(line)
    return totals.result(chunks=CHUNKS, engine_versions=versions, runs_url="/runs")


def test_a_result_counts_by_scenario_status_gate_and_code() -> None:
    lines = computed(
        an_analysis(
            a_portfolio(0), a_portfolio(1, shelf_entries=7), scenarios={"hold": {"proposed_trades": []}, "buy": {}}
        )
    )
    assert totals_of(lines) == {
        "counts": {"total": 4, "succeeded": 2, "failed": 2},
        "warnings": ["PARTIAL_BATCH_FAILURE"],
        "scenarios": {
            name: {
                "statuses": {"READY": 1, "PENDING_REVIEW": 0, "BLOCKED": 0},
                "failed": 1,
                "gates": {lines[place]["metrics"]["gate"]: 1},
                "gross_turnover_notional_base": {"SGD": turnover},
            }
            for place, (name, turnover) in enumerate((("buy", "100.000"), ("hold", "0")))
        },
        "failures": {"VALIDATION_FAILED": 2},
        "engine_version": "2.0.0",
        "results_hash": sha256_of("sha256:1\nsha256:2"),
        "runs_url": "/runs",
    }


def test_a_batch_without_a_failure_has_no_warning() -> None:
    assert totals_of(computed(an_analysis()))["warnings"] == []


def test_a_batch_by_two_engines_names_none_and_says_so() -> None:
    result = totals_of(computed(an_analysis()), versions=("2.0.0", "2.1.0", "2.0.0"))
    assert (result["engine_version"], result["warnings"]) == (None, ["MIXED_ENGINE_VERSIONS"])


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(6)))
def test_totals_do_not_depend_on_the_order(order: list[int]) -> None:
    lines = computed(an_analysis(scenarios={"a": {}, "b": {"proposed_trades": []}}))
    assert totals_of([lines[place] for place in order]) == totals_of(lines)


def test_the_hash_of_all_lines_depends_on_the_order_of_chunks() -> None:
    assert results_hash(CHUNKS) != results_hash(CHUNKS[::-1])


def test_metrics_are_those_of_the_result() -> None:
    model = {
        "model_id": "m",
        "as_of": "2026-01-01",
        "base_currency": "SGD",
        "asset_class_targets": [{"asset_class": "EQUITY", "weight": "0.6"}, {"asset_class": "CASH", "weight": "0.4"}],
    }
    (line,) = computed(an_analysis(a_portfolio(0, reference_model=model)))
    result, metrics = line["result"], line["metrics"]
    assert metrics == metrics_of(json.loads(json.dumps(result)))
    assert metrics["gate"] == result["gate_decision"]["gate"]
    assert {name: metrics[name] for name in result["gate_decision"]["summary"]} == result["gate_decision"]["summary"]
    assert metrics["drift_total_before"] == result["drift_analysis"]["asset_class"]["drift_total_before"]
    assert metrics["total_value_after"] == result["after_simulated"]["total_value"]
    assert metrics["recommended_next_step"] == result["gate_decision"]["recommended_next_step"]


def test_a_run_without_gates_counts_its_findings_all_the_same() -> None:
    (line,) = computed(
        an_analysis(a_portfolio(0, options={"enable_workflow_gates": False, "cash_band_max_weight": "0.01"}))
    )
    metrics = line["metrics"]
    assert (metrics["gate"], metrics["recommended_next_step"], metrics["soft_fail_count"]) == (None, None, 1)

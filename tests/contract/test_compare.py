"""The comparison itself must see a difference."""

import copy
from pathlib import Path
from typing import Any

import pytest
from contract.compare import case_differences, load_cases, refusal_differences

CASE = load_cases(Path(__file__).parent / "cases" / "cases.jsonl.gz")[0]
REFUSED = {
    "status_code": 422,
    "detail": [{"type": "value_error", "loc": ["body", "shelf_entries", 2], "code": "PROPOSAL_INVALID_INPUT"}],
}


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    result: dict[str, Any] = copy.deepcopy(CASE["result"])
    part: Any = result
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return result


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["status"], "READIER"),
        (["before", "total_value", "amount"], CASE["result"]["before"]["total_value"]["amount"] + "0"),
        (["before", "positions"], []),
        (["gate_decision"], None),
        (["rule_results", 0, "remediation_hint"], 7),
        (["lineage", "engine_version"], ""),
    ],
)
def test_a_changed_result_differs(path: list[Any], value: Any) -> None:
    assert case_differences(CASE, CASE["result"], CASE["artifact"]) == []
    assert case_differences(CASE, changed(path, value), CASE["artifact"]) != []


def test_recorded_cases_are_compared_by_value() -> None:
    recorded = {**CASE, "source": "recorded"}
    total = CASE["result"]["before"]["total_value"]["amount"]
    assert case_differences(recorded, changed(["before", "total_value", "amount"], total + "0"), CASE["artifact"]) == []
    assert case_differences(recorded, changed(["before", "total_value", "amount"], "1"), CASE["artifact"]) != []


def test_recorded_artifacts_know_no_dropped_trades() -> None:
    artifact = copy.deepcopy(CASE["artifact"])
    del artifact["trades_and_funding"]["dropped_trades"]
    recorded = {**CASE, "source": "recorded", "artifact": artifact}
    assert case_differences(recorded, CASE["result"], CASE["artifact"]) == []
    assert case_differences({**recorded, "source": "oracle"}, CASE["result"], CASE["artifact"]) != []
    dropped = copy.deepcopy(CASE["artifact"])
    dropped["trades_and_funding"]["dropped_trades"] = [{"intent_id": "oi_1"}]
    assert case_differences(recorded, CASE["result"], dropped) != []


def test_keys_in_another_order_differ() -> None:
    backwards = dict(reversed(CASE["result"].items()))
    assert case_differences(CASE, backwards, CASE["artifact"]) != []
    assert case_differences({**CASE, "source": "recorded"}, backwards, CASE["artifact"]) != []


@pytest.mark.parametrize(
    ("status_code", "error"),
    [
        (400, {"type": "value_error", "loc": ["body", "shelf_entries", 2], "msg": "PROPOSAL_INVALID_INPUT: x"}),
        (422, {"type": "missing", "loc": ["body", "shelf_entries", 2], "msg": "PROPOSAL_INVALID_INPUT: x"}),
        (422, {"type": "value_error", "loc": ["body", "shelf_entries", 1], "msg": "PROPOSAL_INVALID_INPUT: x"}),
        (422, {"type": "value_error", "loc": ["body", "shelf_entries", 2], "msg": "x"}),
        (
            422,
            {"type": "value_error", "loc": ["body", "shelf_entries", 2], "msg": "PROPOSAL_INVALID_INPUT", "input": 1},
        ),
    ],
)
def test_another_refusal_differs(status_code: int, error: dict[str, Any]) -> None:
    good = {"type": "value_error", "loc": ["body", "shelf_entries", 2], "msg": "PROPOSAL_INVALID_INPUT: x"}
    assert refusal_differences(REFUSED, 422, {"detail": [good]}) == []
    assert refusal_differences(REFUSED, status_code, {"detail": [error]}) != []

"""Requests that must be refused: where, with which type and code, and without a word of the request."""

import json
from pathlib import Path
from typing import Any

import pytest
from contract.compare import load_invalid, refusal_differences
from pydantic import ValidationError

from domain.engine.validate import refusals
from domain.request import SimulateRequest

CASES = load_invalid(Path(__file__).parent / "cases" / "invalid.jsonl")
SHAPE_CASES = [case for case in CASES if isinstance(case["detail"], list)]


def errors_of(body: Any) -> list[dict[str, Any]]:
    """The errors of a body as an endpoint that takes a SimulateRequest lists them."""
    try:
        request = SimulateRequest.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return [{"type": row["type"], "loc": ["body", *row["loc"]], "msg": row["msg"]} for row in found]
    return [
        {"type": "value_error", "loc": ["body", *refusal.loc], "msg": refusal.message} for refusal in refusals(request)
    ]


@pytest.mark.parametrize("case", SHAPE_CASES, ids=lambda case: case["case_id"])
def test_the_request_is_refused_as_the_case_says(case: dict[str, Any]) -> None:
    detail = errors_of(json.loads(json.dumps(case["request"])))
    assert refusal_differences(case, 422, {"detail": detail}) == []


def test_a_request_without_the_simulation_flag_is_no_matter_of_its_shape() -> None:
    without_flag = [case for case in CASES if case not in SHAPE_CASES]
    assert [case["case_id"] for case in without_flag] == ["old_flag_missing"]
    assert errors_of(without_flag[0]["request"]) == []
    assert not SimulateRequest.model_validate(without_flag[0]["request"]).options.enable_proposal_simulation

"""Every request that the contract says must be refused, sent as the simulation of a create request."""

from pathlib import Path

import pytest
from builders import a_body
from contract.compare import load_invalid, refusal_differences

pytestmark = pytest.mark.shared

CASES = {
    case["case_id"]: case
    for case in load_invalid(Path(__file__).parents[1] / "contract" / "cases" / "invalid.jsonl")
    if isinstance(case["detail"], list)  # the one that is a business rule ends an operation instead
}


@pytest.mark.parametrize("case_id", CASES)
async def test_the_request_is_refused_as_the_contract_says(api, case_id):
    case = CASES[case_id]
    answer = await api.submit(a_body(simulate_request=case["request"]))
    for item in case["detail"]:
        item["loc"] = (
            [item["loc"][0], "simulate_request", *item["loc"][1:]]
            if item["loc"][1:2] != ["simulate_request"]
            else item["loc"]
        )
    assert refusal_differences(case, answer.status_code, answer.json()) == []

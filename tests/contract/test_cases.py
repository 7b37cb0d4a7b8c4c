"""Every case of the contract: the whole way from the stored request to the artifact that clients read."""

import json
from pathlib import Path
from typing import Any

import pytest
from contract.compare import artifact_hash, case_differences, load_cases, simulation_hash
from engine_requests import whole_artifact, whole_bundle

from domain.evidence import artifact_documents, simulate_document
from domain.request import SimulateRequest, request_document, request_hash

OWN = Path(__file__).parent / "cases" / "cases.jsonl.gz"
# Recorded at the system that this one replaces; they stay with the contract, which may lie beside the repository.
RECORDED = Path(__file__).parents[3] / "shared" / "contract" / "cases-31" / "cases.jsonl.gz"

OWN_CASES = load_cases(OWN)
RECORDED_CASES = [case for case in load_cases(RECORDED) if case["source"] == "recorded"] if RECORDED.exists() else []

# D16, D18 and D19 are in every case: in its run id, and in the hashes that `answers` checks.
HASHES_AND_IDS = {16, 18, 19}

each_case = pytest.mark.parametrize("case", OWN_CASES + RECORDED_CASES, ids=lambda case: case["case_id"])
each_own_case = pytest.mark.parametrize("case", OWN_CASES, ids=lambda case: case["case_id"])


def answers(case: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(result, whole artifact), parsed from the stored texts; their hashes are checked on the way."""
    text = request_document(SimulateRequest.model_validate(case["request"]))
    context = case["context"]
    simulated = simulate_document(
        text,
        kind="simulate",
        request_hash=context["request_hash"],
        correlation_id=context["correlation_id"],
        idempotency_key=context["idempotency_key"],
    )
    documents = artifact_documents(text, simulated.text, kind="simulate", created_at=context["created_at"])
    result = json.loads(simulated.text)
    artifact = json.loads(whole_artifact(documents.artifact, inputs=documents.inputs, result=simulated.text))
    bundle = whole_bundle(documents.artifact, inputs=documents.inputs, result=simulated.text)
    assert json.loads(bundle) == artifact["evidence_bundle"]
    assert simulated.status == result["status"]
    assert json.loads(simulated.gate_decision or "null") == result["gate_decision"]
    assert simulated.simulation_hash == simulation_hash(result)
    assert documents.artifact_hash == artifact_hash(artifact) == artifact["evidence_bundle"]["hashes"]["artifact_hash"]
    return result, artifact


@each_case
def test_the_engine_answers_as_the_case_says(case: dict[str, Any]) -> None:
    result, artifact = answers(case)
    assert case_differences(case, result, artifact) == []


@each_own_case
def test_the_request_has_the_hash_that_the_case_says(case: dict[str, Any]) -> None:
    assert request_hash(SimulateRequest.model_validate(case["request"])) == case["context"]["request_hash"]


def test_the_cases_are_all_here() -> None:
    assert len(OWN_CASES) == 101
    assert {rule for case in OWN_CASES for rule in case["rules"]} == {*range(2, 32)} - HASHES_AND_IDS
    assert len(RECORDED_CASES) in (0, 44)

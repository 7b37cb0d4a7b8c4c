"""Stored texts: the same bytes on every repeat, and put together without parsing (D1, D16, D18, D19)."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from contract.compare import artifact_hash, simulation_hash
from engine_requests import (
    CREATED_AT,
    a_model,
    a_simulation,
    evidence_of,
    result_of,
    whole_artifact,
    whole_bundle,
)

from domain.engine.artifact import build_artifact
from domain.engine.codes import ENGINE_VERSION
from domain.evidence import (
    REQUEST_MODELS,
    ArtifactDocuments,
    RequestKind,
    artifact_documents,
    parsed_request,
    simulate_document,
)
from domain.request import SimulateRequest, request_document, request_hash

HOSTILE = (
    '","evidence_bundle":{"inputs":null,"engine_outputs":{"proposal_result":null},"hashes":{}}}',
    '"evidence_bundle":{"inputs":null,"engine_outputs":{"proposal_result":null},',
    '\\"evidence_bundle\\":{\\"inputs\\":null,\\"engine_outputs\\":{\\"proposal_result\\":null},',
    "\\",
    '"',
    "\u2028\x1f\x7fä😀",
    "{{inputs}}",
)
BODY = a_simulation(
    positions={"A": "30", "B": "30"},
    cash={"USD": "1000", "EUR": "5"},
    prices={"A": "10.00 USD", "B": "7 EUR"},
    rates={"EUR/USD": "1.10"},
    trades=["SELL A 5", "BUY B 10"],
    flows=["100.00 USD"],
    model=a_model(classes={"EQUITY": "0.5", "CASH": "0.5"}),
)


def documents_of(body: dict[str, Any], *, key: str | None = "key_1") -> tuple[str, str, ArtifactDocuments]:
    """(request, result, artifact documents)."""
    request = SimulateRequest.model_validate(body)
    text = request_document(request)
    result = simulate_document(
        text, kind="simulate", request_hash=request_hash(request), correlation_id="corr_1", idempotency_key=key
    )
    return text, result.text, artifact_documents(text, result.text, kind="simulate", created_at=CREATED_AT)


def test_d01_the_artifact_is_built_from_the_result_as_it_is_stored() -> None:
    """Both weights are 0.3333 on the wire, though B's is larger: rows of equal shown weight are sorted by key."""
    body = a_simulation(
        positions={"B": "1.000001", "A": "1"},
        cash={"USD": "1"},
        prices={"A": "1 USD", "B": "1 USD"},
        flows=["0.0001 USD"],
    )
    _, whole, _ = evidence_of(body)
    impact = json.loads(whole)["portfolio_impact"]
    rows = impact["before"]["allocation_by_instrument"]
    assert [(row["key"], row["weight"]) for row in rows] == [("A", "0.3333"), ("B", "0.3333")]
    assert impact["delta"]["largest_weight_changes"] == []


def test_d01_built_again_from_the_stored_result_the_artifact_has_the_same_bytes() -> None:
    request, result, documents = documents_of(BODY)
    again = artifact_documents(
        request, json.dumps(json.loads(result), indent=1), kind="simulate", created_at=CREATED_AT
    )
    assert again == documents
    in_memory = build_artifact(SimulateRequest.model_validate(BODY), result_of(BODY), created_at=CREATED_AT)
    stored = json.loads(documents.artifact)
    assert {**in_memory, "evidence_bundle": stored["evidence_bundle"]} == stored


def test_d01_the_artifact_names_the_engine_that_made_the_result() -> None:
    """A newer engine may build the artifact of a result that waits for it."""
    request, result, _ = documents_of(BODY)
    stored = result.replace(f'"engine_version":"{ENGINE_VERSION}"', '"engine_version":"0.9.9"')
    documents = artifact_documents(request, stored, kind="simulate", created_at=CREATED_AT)
    assert json.loads(documents.artifact)["evidence_bundle"]["engine_version"] == "0.9.9"
    assert artifact_hash(json.loads(whole_artifact(documents.artifact, inputs=documents.inputs, result=stored))) == (
        documents.artifact_hash
    )


def test_d16_run_and_artifact_ids_have_32_hex_digits_of_the_request_hash() -> None:
    result, whole, _ = evidence_of(BODY)
    run_id = json.loads(result)["proposal_run_id"]
    assert run_id.startswith("pr_")
    assert len(run_id) == len("pr_") + 32
    assert json.loads(whole)["artifact_id"] == "pa_" + run_id.removeprefix("pr_")


def test_d17_every_spelling_has_the_same_evidence() -> None:
    """Built from one stored result, as the steps of an operation do that was accepted with the first spelling."""
    first, result, documents = documents_of(BODY)
    other = json.loads(first)
    other["portfolio_snapshot"]["positions"][0]["quantity"] = "3E+1"
    other["market_data_snapshot"]["fx_rates"][0]["rate"] = "1.1"
    del other["options"]["fx_buffer_pct"]
    spelled = request_document(SimulateRequest.model_validate(other))
    assert spelled != first
    assert artifact_documents(spelled, result, kind="simulate", created_at=CREATED_AT) == documents
    inputs = json.loads(documents.inputs)
    assert inputs["portfolio_snapshot"]["positions"][0]["quantity"] == "30"
    assert inputs["market_data_snapshot"]["fx_rates"][0]["rate"] == "1.1"
    assert inputs["options"]["fx_buffer_pct"] == "0.01"


def test_d18_caller_and_time_do_not_change_the_artifact_hash() -> None:
    _, whole, first = evidence_of(BODY)
    hashes = {
        evidence_of(BODY, correlation_id="corr_2")[2],
        evidence_of(BODY, key=None)[2],
        evidence_of(BODY, created_at="2027-01-01T00:00:00.000000+00:00")[2],
    }
    assert hashes == {first}
    assert artifact_hash(json.loads(whole)) == first


def test_d18_nothing_else_is_left_out_of_the_artifact_hash() -> None:
    """Keys of the client's own that are named like the ones left out count."""
    marks = ("created_at", "artifact_hash", "correlation_id", "idempotency_key")
    hashes = set()
    for value in ("1", "2"):
        for mark in marks:
            body = json.loads(json.dumps(BODY))
            body["shelf_entries"][0]["attributes"] = {mark: value}
            _, whole, found = evidence_of(body)
            assert artifact_hash(json.loads(whole)) == found
            hashes.add(found)
    assert len(hashes) == 2 * len(marks)


def test_d19_the_simulation_hash_leaves_out_its_caller() -> None:
    request = SimulateRequest.model_validate(BODY)
    simulated = [
        simulate_document(
            request_document(request),
            kind="simulate",
            request_hash=request_hash(request),
            correlation_id=correlation_id,
            idempotency_key=key,
        )
        for correlation_id, key in (("corr_1", "key_1"), ("corr_2", "key_2"), ("corr_2", None))
    ]
    assert len({document.simulation_hash for document in simulated}) == 1
    assert len({document.text for document in simulated}) == 3
    assert all(document.simulation_hash == simulation_hash(json.loads(document.text)) for document in simulated)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("simulate", BODY),
        ("create", {"created_by": "a", "simulate_request": BODY, "metadata": {"title": HOSTILE[0]}}),
        ("version", {"created_by": "a", "simulate_request": BODY, "expected_current_version_no": 2}),
    ],
)
def test_every_kind_of_request_is_simulated(kind: RequestKind, body: dict[str, Any]) -> None:
    request = REQUEST_MODELS[kind].model_validate(body)
    text, asked = request_document(request), request_hash(request)
    assert parsed_request(text, kind=kind) == SimulateRequest.model_validate(BODY)
    document = simulate_document(text, kind=kind, request_hash=asked, correlation_id="c", idempotency_key=None)
    result = json.loads(document.text)
    assert result["lineage"] == {
        "portfolio_snapshot_id": "pf_1",
        "market_data_snapshot_id": "md",
        "request_hash": asked,
        "idempotency_key": None,
        "engine_version": ENGINE_VERSION,
    }
    built = artifact_documents(text, document.text, kind=kind, created_at=CREATED_AT)
    assert json.loads(built.artifact)["evidence_bundle"]["hashes"]["request_hash"] == asked


def test_gates_that_are_off_leave_no_gate_in_the_result_but_one_in_the_artifact() -> None:
    body = a_simulation(cash={"USD": "10"}, enable_workflow_gates=False)
    request = SimulateRequest.model_validate(body)
    text = request_document(request)
    document = simulate_document(text, kind="simulate", request_hash="h", correlation_id="c", idempotency_key=None)
    assert document.gate_decision is None
    artifact = json.loads(artifact_documents(text, document.text, kind="simulate", created_at=CREATED_AT).artifact)
    assert artifact["gate_decision"]["gate"] == "CLIENT_CONSENT_REQUIRED"
    assert artifact["summary"]["recommended_next_step"] == "CLIENT_CONSENT"


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_client_writes_the_parts_fall_into_their_places(text: str) -> None:
    name = text[:255]
    body = a_simulation(positions={name: "1", "A": "1"}, prices={name: "1 USD", "A": "2 USD"}, trades=[])
    body["portfolio_snapshot"] |= {"portfolio_id": name, "snapshot_id": name}
    body["market_data_snapshot"]["snapshot_id"] = name
    body["shelf_entries"][0] |= {"asset_class": text, "issuer_id": name, "attributes": {text: text, "inputs": "null"}}
    body["proposed_cash_flows"] = [{"currency": "USD", "amount": "5", "description": text}]
    body["proposed_trades"] = [{"side": "SELL", "instrument_id": name, "quantity": "1"}]
    body["options"]["suitability_thresholds"] = {}
    _, result, documents = documents_of(body, key=text)
    whole = whole_artifact(documents.artifact, inputs=documents.inputs, result=result)
    bundle = whole_bundle(documents.artifact, inputs=documents.inputs, result=result)

    expected = json.loads(documents.artifact)
    expected["evidence_bundle"]["inputs"] = json.loads(documents.inputs)
    expected["evidence_bundle"]["engine_outputs"]["proposal_result"] = json.loads(result)
    assert json.loads(whole) == expected
    assert whole == json.dumps(expected, separators=(",", ":"), ensure_ascii=False)
    assert bundle == json.dumps(expected["evidence_bundle"], separators=(",", ":"), ensure_ascii=False)
    assert artifact_hash(expected) == documents.artifact_hash


def test_a_text_that_is_no_artifact_is_refused() -> None:
    with pytest.raises(ValueError, match="no stored artifact"):
        whole_artifact("{}", inputs="{}", result="{}")


def test_another_process_with_another_hash_seed_makes_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = documents_of(BODY)
    for seed in ("0", "4711"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            text, result, documents = expected
            request = SimulateRequest.model_validate(BODY)
            simulated = pool.submit(
                simulate_document,
                text,
                kind="simulate",
                request_hash=request_hash(request),
                correlation_id="corr_1",
                idempotency_key="key_1",
            ).result()
            assert simulated.text == result
            built = pool.submit(artifact_documents, text, result, kind="simulate", created_at=CREATED_AT).result()
            assert built == documents

"""The stored artifact is put together by concatenation: nothing that a client writes may look like its gap."""

import json

import pytest
from builders import a_body
from engine_requests import whole_artifact, whole_bundle

from domain.evidence import INPUTS_GAP, artifact_documents, simulate_document
from domain.request import CreateRequest, request_document, request_hash

HOSTILE = [INPUTS_GAP.decode(), '"}', "\\", '\\"evidence_bundle\\":{', "null", "{", "a\u2028", "É", '"inputs":null']


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text):
    body = json.loads(json.dumps(a_body()).replace('"A"', json.dumps(text)).replace('"pf_1"', json.dumps(text)))
    request = CreateRequest.model_validate(body)
    document = request_document(request)
    simulated = simulate_document(
        document, kind="create", request_hash=request_hash(request), correlation_id="c", idempotency_key="k"
    )
    built = artifact_documents(document, simulated.text, kind="create", created_at="2026-02-22T12:00:00.000000+00:00")
    whole = json.loads(whole_artifact(built.artifact, inputs=built.inputs, result=simulated.text))
    bundle = json.loads(whole_bundle(built.artifact, inputs=built.inputs, result=simulated.text))
    assert whole["evidence_bundle"] == bundle
    assert bundle["inputs"] == json.loads(built.inputs)
    assert bundle["engine_outputs"]["proposal_result"] == json.loads(simulated.text)
    assert bundle["inputs"]["portfolio_snapshot"]["positions"][0]["instrument_id"] == text
    assert text in whole["summary"]["title"]
    assert whole["portfolio_impact"]["before"]["allocation_by_instrument"][0]["key"] == text


def test_a_text_that_is_no_stored_artifact_is_refused():
    with pytest.raises(ValueError, match="no stored artifact"):
        whole_artifact("{}", inputs="{}", result="{}")

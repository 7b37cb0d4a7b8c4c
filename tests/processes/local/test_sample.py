import json
from importlib import resources
from pathlib import Path

from domain.evidence import simulate_document
from domain.request import CreateRequest, request_document, request_hash

EXAMPLE = Path(__file__).parents[3] / "examples" / "create_proposal.json"


def test_the_demo_submits_the_example():
    assert (resources.files("cli.local") / "create_proposal.json").read_bytes() == EXAMPLE.read_bytes()


def test_the_demo_of_a_batch_submits_the_example():
    example = EXAMPLE.with_name("analyze.json")
    assert (resources.files("cli.local") / "analyze.json").read_bytes() == example.read_bytes()


def test_the_demo_runs_the_orchestrator():
    example = EXAMPLE.with_name("orchestrator.py")
    assert (resources.files("cli.local") / "orchestrator.py").read_bytes() == example.read_bytes()


def test_the_example_is_ready_without_funding_and_raises_no_new_issue():
    request = CreateRequest.model_validate_json(EXAMPLE.read_bytes())

    simulated = simulate_document(
        request_document(request),
        kind="create",
        request_hash=request_hash(request),
        correlation_id="corr_1",
        idempotency_key=None,
    )

    result = json.loads(simulated.text)
    assert simulated.status == "READY"
    assert [intent["intent_type"] for intent in result["intents"]] == ["SECURITY_TRADE"] * 3
    assert result["diagnostics"]["warnings"] == []
    assert result["suitability"]["summary"]["new_count"] == 0
    before, after = (result["drift_analysis"]["asset_class"][f"drift_total_{moment}"] for moment in ("before", "after"))
    assert float(after) < float(before)

"""What is committed is what is generated, and what is generated is typed and light."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate_client", ROOT / "client" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "decimal", [{"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"type": ["string", "integer"]}]
)
def test_what_the_document_names_is_typed_without_its_limits(generate, decimal):
    either = {"anyOf": [{"$ref": "#/components/schemas/Amount"}, {"type": "null"}]}
    moment = {"type": "string", "format": "date-time"}
    schemas = {
        "Amount": decimal,
        "State": {"type": "string", "enum": ["DRAFT"]},
        "Row": {
            "type": "object",
            "required": ["amount", "state", "at", "name"],
            "properties": {
                "amount": {"$ref": "#/components/schemas/Amount", "description": "How much."},
                "maybe": either,
                "state": {"$ref": "#/components/schemas/State"},
                "at": moment,
                "name": {"type": "string", "maxLength": 5, "pattern": "^a"},
                "unnamed": {"type": "string", "enum": ["A"]},
            },
        },
    }
    text = generate.models_text(schemas)
    row = text.split("class Row(Model):")[1]
    for line in (
        'amount: Annotated[ExactDecimal | str, Field(description="How much.")]',
        "maybe: ExactDecimal | str | None = None",
        "state: State",
        "at: Timestamp",
        "name: str",
    ):
        assert f"    {line}\n" in row
    assert "class State(OpenEnum):" in text
    assert "Amount" not in text
    assert "unnamed: str" in row


def test_models_and_blocking_client_are_those_of_this_release(generate):
    for path, text in generate.generated().items():
        assert path.read_text() == text, f"{path.name}: run `make generated`"


def test_both_clients_have_the_same_methods():
    from proposals_client import (  # noqa: PLC0415 -- both are generated, and tested after that
        AsyncBatch,
        AsyncOperation,
        AsyncProposals,
        Batch,
        Operation,
        Proposals,
    )

    for blocking, asyncio in ((Proposals, AsyncProposals), (Operation, AsyncOperation), (Batch, AsyncBatch)):
        names = {name for name in dir(asyncio) if not name.startswith("_")}
        assert names
        assert names == {name for name in dir(blocking) if not name.startswith("_")}


def test_the_models_are_imported_when_the_first_answer_is_read():
    script = "import sys, proposals_client; print(sorted({'pydantic', 'proposals_client.models'} & sys.modules.keys()))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"

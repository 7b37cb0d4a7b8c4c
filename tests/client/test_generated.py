"""What is committed is what is generated, and what is generated is typed and light."""

import importlib.util
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_models_and_blocking_client_are_those_of_this_release():
    spec = importlib.util.spec_from_file_location("generate_client", ROOT / "client" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for path, text in generate.generated().items():
        assert path.read_text() == text, f"{path.name}: run `make generated`"


def test_both_clients_have_the_same_methods():
    from proposals_client import AsyncOperation, AsyncProposals, Operation, Proposals  # noqa: PLC0415

    for blocking, asyncio in ((Proposals, AsyncProposals), (Operation, AsyncOperation)):
        names = {name for name in vars(asyncio) if not name.startswith("_")}
        assert names
        assert names == {name for name in vars(blocking) if not name.startswith("_")}


def test_the_models_are_imported_when_the_first_answer_is_read():
    script = "import sys, proposals_client; print(sorted({'pydantic', 'proposals_client.models'} & sys.modules.keys()))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"

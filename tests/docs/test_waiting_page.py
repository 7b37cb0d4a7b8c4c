"""docs/guides/wait-for-results.md: each of its programs runs as it stands, with the libraries that it names."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.shared
ROOT = Path(__file__).parents[2]
SECTIONS = {
    section.split("\n", 1)[0]: re.findall(r"```(?:sh|python)\n(.*?)```", section, re.DOTALL)
    for section in (ROOT / "docs" / "guides" / "wait-for-results.md").read_text().split("\n## ")[1:]
}
REFUSED = "ProposalValidationError PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true"


def said(command: list[str], service) -> list[str]:
    environment = os.environ | {"API": service.url}
    ran = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()


def test_each_way_is_tested():
    assert [*SECTIONS] == [
        "One request that waits",
        "A loop in the shell",
        "A loop with `tenacity`",
        "A poller of `azure-core`",
    ]
    assert {len(programs) for programs in SECTIONS.values()} == {1}


@pytest.mark.parametrize("name", ["One request that waits", "A loop in the shell"])
def test_a_script_of_curl(service, name):
    (script,) = SECTIONS[name]
    assert said(["bash", "-euo", "pipefail", "-c", script], service) == ["SUCCEEDED"]


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("A loop with `tenacity`", ["SUCCEEDED DRAFT"]),
        ("A poller of `azure-core`", ["SUCCEEDED DRAFT", REFUSED]),
    ],
)
def test_a_program(service, name, printed):
    (program,) = SECTIONS[name]
    assert said([sys.executable, "-c", program], service) == printed

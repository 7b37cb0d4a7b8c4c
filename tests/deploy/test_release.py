"""What `make release` makes of the commit: wheels, a list of parts that says what is pinned, and their digests."""

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARIES = Path(sys.prefix) / "release"  # by make, a folder for itself
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()))
"""
HASH = "proposals:sha256-of-a-distribution"


def release(folder: Path) -> Path:
    # A make that runs this test would pass on its options, such as those of a parallel run.
    environ = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    made = folder / "dist"
    # The stamps say that everything is installed, so that only what is asked for is made.
    command = ("make", "release", f"DIST={made}", f"VENV={sys.prefix}")
    ran = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return release(tmp_path_factory.mktemp("once"))


def test_the_list_of_digests_is_of_what_is_there(made):
    lines = [line.split("  ") for line in (made / "SHA256SUMS").read_text().splitlines()]
    assert {name: hashlib.sha256((made / name).read_bytes()).hexdigest() for _, name in lines} == {
        name: digest for digest, name in lines
    }
    names = sorted(path.name for path in made.iterdir())
    assert names == sorted([*(name for _, name in lines), "SHA256SUMS"])
    assert [re.sub(r"-\d+\.\d+\.\d+-", "-X-", name) for _, name in lines] == [
        "proposals-X-py3-none-any.whl",
        "proposals_client-X-py3-none-any.whl",
        "proposals.cdx.json",
    ]


def test_wheels_and_list_have_the_time_of_the_commit_and_none_of_their_making(made):
    """What else differs between two builds of one commit: a second run gives the same digests."""
    committed = ("git", "log", "-1", "--format=%ct")
    seconds = int(subprocess.run(committed, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    at = datetime.fromtimestamp(seconds, UTC)
    for wheel in made.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            times = {one.date_time for one in archive.infolist()}
        assert times == {(at.year, at.month, at.day, at.hour, at.minute, at.second // 2 * 2)}
    assert json.loads((made / "proposals.cdx.json").read_text())["metadata"]["timestamp"] == at.isoformat()


def test_the_parts_are_what_is_pinned_with_the_hashes_that_are_allowed(made):
    text = (made / "proposals.cdx.json").read_text()
    listed = {
        one["name"]: (one["version"], {prop["value"] for prop in one.get("properties", []) if prop["name"] == HASH})
        for one in json.loads(text)["components"]
    }
    pinned = {}
    for block in re.split(r"\n(?=\S)", (ROOT / "requirements" / "runtime.txt").read_text()):
        if found := re.match(r"([a-z0-9._-]+)==([^\s;]+)", block):
            pinned[found[1]] = (found[2], set(re.findall(r"--hash=sha256:([0-9a-f]{64})", block)))
    assert {name: parts for name, parts in listed.items() if name != "proposals-client"} == pinned
    assert listed["proposals-client"][1] == set()
    validate = [sys.executable, "-W", "ignore", "-c", VALIDATE]
    ran = subprocess.run(
        validate, input=text, env={"PYTHONPATH": str(LIBRARIES)}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_the_list_names_no_place(made):
    text = (made / "proposals.cdx.json").read_text()
    assert re.findall(r'"[a-z]+://[^"]*"', text) == ['"http://cyclonedx.org/schema/bom-1.6.schema.json"']
    assert not re.search(r'"(/|\.\.?/|file:)', text)
    assert "requirements line" not in text

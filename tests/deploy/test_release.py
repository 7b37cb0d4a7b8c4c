"""What `make release` makes of the commit: wheels, a list of parts that says what is pinned, and their digests."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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


def make_release(made: Path, *, at: Path = ROOT, umask: int = -1, **odd: str) -> subprocess.CompletedProcess[str]:
    # A make that runs this test would pass on its options, such as those of a parallel run.
    environ = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    # The stamps say that everything is installed, so that only what is asked for is made.
    command = ("make", "release", f"DIST={made}", f"VENV={sys.prefix}")
    return subprocess.run(command, cwd=at, env=environ | odd, umask=umask, capture_output=True, text=True, check=False)


def release(folder: Path, **odd: Any) -> Path:
    ran = make_release(folder / "dist", **odd)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder / "dist"


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


def test_another_machine_makes_the_same_bytes(made, tmp_path):
    """Where the modes of new files, the time zone, the language, and what git does with lines and modes differ."""
    settings = {"core.autocrlf": "true", "tar.umask": "0077"}
    config = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        config |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    folder = tmp_path / "a folder"
    again = release(folder, umask=0o077, TZ="Asia/Kolkata", LC_ALL="C.UTF-8", SOURCE_DATE_EPOCH="1", **config)
    assert (again / "SHA256SUMS").read_text() == (made / "SHA256SUMS").read_text()


@pytest.fixture
def copied(tmp_path) -> Path:
    """What make reads of this folder, in one that is no clone."""
    for name in ("Makefile", "pyproject.toml", "client/pyproject.toml", "requirements", "tests/clients/package.json"):
        place = tmp_path / "copied" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place)
    return tmp_path / "copied"


def git(folder: Path, *arguments: str) -> None:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *author, *arguments], cwd=folder, capture_output=True, check=True)


def test_what_is_no_commit_of_this_project_is_refused(copied, tmp_path):
    def said() -> str:
        ran = make_release(tmp_path / "dist", at=copied, GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
        assert ran.returncode == 2
        assert not (tmp_path / "dist").exists()
        return ran.stderr

    rule = "make release builds a commit, at the top of its clone: "
    assert f"{rule}fatal: not a git repository" in said()
    git(tmp_path, "init")
    assert f"{rule}copied/" in said()  # its commits would be another project's
    git(copied, "init")
    assert f"{rule}there is no commit\n" in said()


def test_what_is_left_out_of_a_release_is_said(copied, tmp_path):
    line = "What is not committed is not in the release: git status shows it\n"
    git(copied, "init")
    git(copied, "add", ".")
    git(copied, "commit", "-m", "x")
    assert line not in make_release(tmp_path / "dist", at=copied).stderr
    (copied / "new.py").touch()
    assert line in make_release(tmp_path / "dist", at=copied).stderr


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

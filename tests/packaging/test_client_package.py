"""The client is a package of its own: complete, typed, and without anything of the service."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from proposals_client import __version__

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "client"
PROJECT = tomllib.loads((CLIENT / "pyproject.toml").read_text())
SERVICE = tomllib.loads((ROOT / "pyproject.toml").read_text())
LISTED = PROJECT["tool"]["setuptools"]["packages"]


def test_every_package_of_the_client_is_listed():
    found = {".".join(init.parent.relative_to(CLIENT).parts) for init in CLIENT.glob("proposals_client/**/__init__.py")}
    assert sorted(found) == LISTED


def test_it_asks_for_what_the_service_asks_for_and_imports_nothing_else():
    assert set(PROJECT["project"]["dependencies"]) <= set(SERVICE["project"]["dependencies"])
    asked_for = {re.split(r"[<>=\[]", wanted)[0] for wanted in PROJECT["project"]["dependencies"]}
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).partition(".")[0]
        for path in (CLIENT / "proposals_client").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported - sys.stdlib_module_names == {"proposals_client", *asked_for}


def test_its_version_is_the_services():
    assert PROJECT["project"]["version"] == SERVICE["project"]["version"] == __version__
    assert "proposals-client" in SERVICE["project"]["dependencies"]


def test_no_registry_is_asked_for_it():
    """Makefile and image install it from its folder; the owner of its name in a registry has no say here."""
    for requirements in (ROOT / "requirements").glob("*.txt"):
        assert not re.search(r"^proposals-client\b", requirements.read_text(), re.MULTILINE)
    makefile, dockerfile = (ROOT / "Makefile").read_text(), (ROOT / "Dockerfile").read_text()
    assert "--no-deps --no-build-isolation --editable ./client --editable ." in makefile
    assert "pip wheel --no-deps --no-build-isolation --wheel-dir dist ./client ." in dockerfile
    assert "pip install --no-deps dist/*.whl" in dockerfile


def test_both_wheels_are_built_without_a_network_and_the_client_works_by_itself(tmp_path):
    """As the Dockerfile does it, from a copy: a build writes beside what it builds."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    copy = tmp_path / "copy"
    ignored = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in ignored.stdout.splitlines():
        if (ROOT / name).exists() and not name.startswith(("tests/", "docs/", "bench/")):
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    wheels = [
        *pip,
        "wheel",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        tmp_path,
        "./client",
        ".",
    ]
    subprocess.run(wheels, cwd=copy, check=True, capture_output=True)
    (client,) = tmp_path.glob("proposals_client-*.whl")
    assert len(list(tmp_path.glob("proposals-*.whl"))) == 1
    with zipfile.ZipFile(client) as wheel:
        names = set(wheel.namelist())
        wheel.extractall(tmp_path / "installed")
    for name in ("py.typed", "models.py", "_async/client.py", "_sync/client.py"):
        assert f"proposals_client/{name}" in names
    assert not any(name.startswith("generate") for name in names)
    script = "import sys; sys.path.insert(0, sys.argv[1]); import proposals_client as client; print(client.__file__)"
    command = [sys.executable, "-I", "-c", script, tmp_path / "installed"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(str(tmp_path / "installed"))

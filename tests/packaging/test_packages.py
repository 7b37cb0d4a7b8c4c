"""Packages are listed one by one, so that a forgotten one is missed here and not by who installs the wheel."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LISTED = PROJECT["tool"]["setuptools"]["packages"]


def test_every_package_is_listed():
    tops = {package.partition(".")[0] for package in LISTED}
    found = {
        ".".join(init.parent.relative_to(ROOT).parts) for top in tops for init in (ROOT / top).rglob("__init__.py")
    }
    assert sorted(found) == LISTED


def test_no_folder_of_code_stands_outside():
    code = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert code == {package for package in LISTED if "." not in package}


def test_what_is_pinned_names_no_place_to_get_it_from():
    for requirements in (ROOT / "requirements").glob("*.txt"):
        text = requirements.read_text()
        assert "://" not in text
        assert all("--hash=sha256:" in block for block in text.split("\n\n") if "==" in block)

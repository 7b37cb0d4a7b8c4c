"""The pages about the engine say what is so."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from engine_requests import evidence_of

ROOT = Path(__file__).parents[3]
ENGINE = (ROOT / "docs" / "explanation" / "engine.md").read_text()
DIFFERENCES = (ROOT / "docs" / "guides" / "move-from-the-old-engine.md").read_text()

NUMBER = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \|", re.MULTILINE)
ROW = re.compile(r"^\| (D\d+) \|.*\| `(tests/[\w/]+\.py)` `(test_\w+)` \|$", re.MULTILINE)
STEP = re.compile(r"\w+")

NUMBERS = NUMBER.findall(ENGINE)
ROWS = ROW.findall(DIFFERENCES)


@pytest.fixture(scope="module")
def documents() -> dict[str, Any]:
    (example,) = re.findall(r"```json\n(.*?)```", ENGINE, re.DOTALL)
    result, whole, _ = evidence_of(json.loads(example))
    parsed: dict[str, Any] = json.loads(result)
    return parsed | {"artifact": json.loads(whole)}


@pytest.mark.parametrize(("path", "value"), NUMBERS)
def test_a_number_of_the_worked_example(documents: dict[str, Any], path: str, value: str) -> None:
    found: Any = documents
    for step in STEP.findall(path):
        found = found[int(step) if step.isdecimal() else step]
    assert str(found) == value.replace("\\|", "|")


def test_the_table_and_the_plot_show_before_and_after(documents: dict[str, Any]) -> None:
    before, after = documents["before"], documents["after_simulated"]
    targets = dict(re.findall(r'"asset_class": "(\w+)", "weight": "([\d.]+)"', ENGINE))
    weights = []
    for old, new in zip(before["allocation_by_asset_class"], after["allocation_by_asset_class"], strict=True):
        cells = [old["key"], old["value"]["amount"], old["weight"], new["value"]["amount"], new["weight"]]
        assert f"| {' | '.join([*cells, targets[old['key']]])} |" in ENGINE
        weights += [old["weight"], new["weight"]]
    assert f"| total | {before['total_value']['amount']} | | {after['total_value']['amount']} | | |" in ENGINE
    assert f"bar [{', '.join(weights)}]" in ENGINE


def test_the_example_is_checked_at_every_stage() -> None:
    assert len(NUMBERS) >= 25


def test_every_difference_has_its_line() -> None:
    assert list(dict.fromkeys(name for name, _, _ in ROWS)) == [f"D{number}" for number in range(1, 32)]


@pytest.mark.parametrize(("file", "test"), [(file, test) for _, file, test in ROWS])
def test_the_test_of_a_difference_exists(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

"""The rules of style/Proposals flag what they are for, and let through what is written instead."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from style.lint import flaws, prose, rules_by_suffix

ROOT = Path(__file__).parents[2]
EXAMPLES = yaml.safe_load((ROOT / "style" / "examples.yml").read_text())
BAD = [(name, text) for name, texts in EXAMPLES.items() for text in texts["bad"]]
GOOD = [(name, text) for name, texts in EXAMPLES.items() for text in texts["good"]]


def flagged(folder: Path, *, texts: list[str], suffix: str = ".md", form: str = "{}\n") -> list[set[str]]:
    """The rules that each text breaks, in one file, a paragraph each."""
    page = folder / f"page{suffix}"
    paragraphs = [form.format(" ".join(text.split())) for text in texts]
    page.write_text("\n".join(paragraphs))
    lines = [1 + sum(before.count("\n") + 1 for before in paragraphs[:index]) for index in range(len(texts))]
    found: dict[int, set[str]] = {}
    for line, name, _ in flaws(prose(page), rules_by_suffix().get(suffix, [])):
        found.setdefault(line, set()).add(name)
    return [found.get(line, set()) for line in lines]


def test_every_pattern_of_every_rule_has_a_bad_example():
    assert sorted(EXAMPLES) == sorted(rule.name for rule in rules_by_suffix()[".md"])
    for rule in rules_by_suffix()[".md"]:
        texts = [" ".join(text.split()) for text in EXAMPLES[rule.name]["bad"]]
        assert [pattern for pattern, _ in rule.patterns if not any(map(pattern.search, texts))] == [], rule.name


def test_each_bad_example_is_flagged_by_its_rule(tmp_path):
    found = flagged(tmp_path, texts=[text for _, text in BAD])
    assert [text for (name, text), names in zip(BAD, found, strict=True) if name not in names] == []


def test_no_good_example_is_flagged(tmp_path):
    found = flagged(tmp_path, texts=[text for _, text in GOOD])
    assert [(text, names) for (_, text), names in zip(GOOD, found, strict=True) if names] == []


@pytest.mark.parametrize(
    "form",
    ["- {}\n", "1. {}\n", "> {}\n", "## {}\n", "| one | {} |\n", "Another sentence. {}\n", "*{}*\n"],
)
def test_prose_is_found_wherever_it_stands_on_a_page(tmp_path, form):
    assert flagged(tmp_path, texts=["Temporal is away"], form=form) == [{"Idioms"}]


@pytest.mark.parametrize("form", ["`{}`\n", "```\n{}\n```\n", '[text](is-away.md "{}")\n', "<!-- {} -->\n"])
def test_what_is_no_prose_is_not_read(tmp_path, form):
    assert flagged(tmp_path, texts=["Temporal is away"], form=form) == [set()]


@pytest.mark.parametrize(
    ("suffix", "form", "names"),
    [
        (".py", "# {}\n", {"Idioms"}),
        (".py", "x = 1  # {}\n", {"Idioms"}),
        (".py", '"""{}"""\n', {"Idioms"}),
        (".py", 'x = "{}"\n', set()),
        (".yml", "x: 1  # {}\n", {"Idioms"}),
        (".json", '{{"description": "{}"}}\n', {"Idioms"}),
        (".json", '{{"other": "{}"}}\n', set()),
        (".txt", "{}\n", set()),
    ],
)
def test_code_is_read_for_what_is_said_of_it(tmp_path, suffix, form, names):
    assert flagged(tmp_path, texts=["Temporal is away"], suffix=suffix, form=form) == [names]


def test_a_flaw_fails_the_command_and_names_its_line(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("One.\n\nTwo,\nand Temporal is away.\n")
    command = [sys.executable, "style/lint.py", tmp_path]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stdout == f"{page}:4: Idioms: Write 'is unavailable' instead of 'is away'.\n1 flagged\n"
    page.write_text("One.\n")
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_make_lint_reads_every_page_and_every_package():
    variables = subprocess.run(["make", "-pn", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    [named] = re.findall(r"^PROSE := (.*)$", variables, re.MULTILINE)
    read = [ROOT / name for name in named.split()]
    files = subprocess.run(
        ["git", "ls-files", "*.md", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    unread = [name for name in files.split() if not {ROOT / name, *(ROOT / name).parents} & set(read)]
    assert unread == []

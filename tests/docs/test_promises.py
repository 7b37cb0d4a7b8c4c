"""Every promise of README and guarantees names a test that exists; the measured figures are those of the benchmarks."""

import re
from pathlib import Path

import pytest
from page_tables import Row, page_of, plain, rows, section

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
GUARANTEES = page_of("explanation/guarantees.md")
PROMISES = [row for row in rows(GUARANTEES) if "::" in row[-1]]
SHORT = rows(section(README, "What is promised"))
COMPARED = {plain(row[0]).partition(",")[0]: row for row in rows(page_of("explanation/comparison.md"))}
MEASURED = page_of("explanation/benchmarks.md").split("<!-- generated: table -->")[1].split("<!-- end: table -->")[0]


def measured(name: str) -> dict[str, str]:
    """A row of the benchmarks by the heads of its columns, without ranges."""
    heads = next(line for line in MEASURED.splitlines() if line.startswith("|  |"))
    [row] = [row for row in rows(MEASURED) if row[0] == name]
    return dict(zip([head.strip() for head in heads.split("|")[1:-1]], row, strict=True))


def lost(row: dict[str, str]) -> str:
    shown = row["after kill -9: lost / doubled of promised"]
    return re.sub(r"(\d+) / 0 of (\d+)", r"\1 of \2", shown)


@pytest.mark.parametrize("row", [*SHORT, *PROMISES], ids=lambda row: row[-1].strip("`").partition("::")[2])
def test_every_promise_names_a_test_that_exists(row: Row):
    path, _, name = row[-1].strip("`").partition("::")
    assert f"def {name}(" in (ROOT / path).read_text()


def test_the_readme_has_six_promises_and_the_page_all_of_them_with_their_limits():
    assert len(SHORT) == 6
    assert {row[-1] for row in SHORT} <= {row[-1] for row in PROMISES}
    assert len(PROMISES) > 25
    assert [row for row in PROMISES if len(row) != 3 or not row[1]] == []


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("this service", "this service"),
        ("Temporal alone", "bare engine"),
        ("DBOS", "DBOS, two processes"),
        ("FastAPI background tasks", "FastAPI background tasks"),
    ],
)
def test_the_figures_of_the_comparison_are_those_of_the_benchmarks(here, there):
    row = measured(there)
    processor = sum(map(float, re.findall(r"[\d.]+", row["CPU ms a create: Temporal / PostgreSQL / worker / API"])))
    assert [plain(cell).strip("*") for cell in COMPARED[here][1:]] == [
        f"{float(row['creates/s (range)'].split()[0]):.0f}",
        f"{float(row['done p50 ms']):.0f} ms",
        f"{processor:.0f} ms",
        lost(row),
        f"{row['recovered in s']} s",
    ]


def test_the_figures_of_the_readme_are_those_of_the_benchmarks():
    row = measured("this service")
    submit = float(row["submit p50 / p99 ms"].split(" / ")[0])
    shown = (
        f"{float(row['creates/s (range)'].split()[0]):.0f} creates/s, {submit:.0f} ms to the 202, "
        f"{float(row['done p50 ms']):.0f} ms to the end; after `kill -9` of everything {lost(row)} lost, "
        f"recovered in {row['recovered in s']} s."
    )
    assert shown in README

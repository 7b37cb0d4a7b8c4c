from dataclasses import replace

import pytest
from bench_samples import SAMPLE, a_row

from bench.page import PAGE, budgets, cost_chart, provenance, replaced, speed_chart
from bench.results import Crash, Results, Row, cells, table


@pytest.fixture
def results() -> Results:
    return Results(
        [
            a_row("bare engine", rate=40.0, done_p50=30.0, submit_p50=5.0, cpu={"Temporal": 18.0, "worker": 8.0}),
            a_row("DBOS, one process", rate=16.0, cpu={"PostgreSQL": 10.0, "worker": 30.0}),
            a_row("DBOS, two processes", rate=25.0, cpu={"PostgreSQL": 12.0, "worker": 32.0}),
            a_row("this service", crash=Crash(promised=150, lost=0, doubled=0, seconds=2.0)),
            a_row("this service, before", cpu={"PostgreSQL": 20.0, "worker": 40.0, "API": 40.0}),
        ]
    )


def test_ratios_are_to_the_bare_engine_and_to_the_better_one_of_the_peers(results):
    assert cells(results.service, results)[1:5] == ["0.50", "0.80", "2.00", "2.00"]


def test_a_row_says_what_each_process_costs(results):
    service, bare = (cells(row, results) for row in (results.service, results.bare))
    assert service[8] == "20.0 / 5.0 / 15.0 / 10.0"
    assert service[9] == "300 / 200 / 150 / 100"
    assert bare[8] == "18.0 / - / 8.0 / -"
    assert service[10:] == ["0 / 0 of 150", "2.0"]


def test_a_figure_is_the_median_of_the_rounds_beside_their_range():
    row = Row("this service", [replace(SAMPLE, rate=rate) for rate in (30.0, 10.0, 12.0)])
    assert cells(row, Results([row]))[5] == "12.0 (10.0-30.0)"


def test_the_table_has_a_line_for_each_row_and_as_many_cells_in_each(results):
    lines = table(results)
    assert len(lines) == 2 + 5
    assert len({line.count("|") for line in lines}) == 1


def test_a_disturbed_row_is_marked(results):
    results.service.samples[0] = replace(SAMPLE, is_disturbed=True)
    assert cells(results.service, results)[0] == "this service `*`"
    assert "20% of a core" in table(results)[-1]


def test_without_the_peers_there_is_no_ratio_to_them():
    alone = Results([a_row("this service")])
    assert cells(alone.service, alone)[1:5] == ["-"] * 4


def test_budgets_are_decided_by_ratios_within_the_run(results):
    decided = {line.split("|")[2].strip(): line.split("|")[3:5] for line in list(budgets(results))[2:]}
    assert [part.strip() for part in decided[">= 0.8 of the bare engine"]] == ["0.50", "**missed**"]
    assert [part.strip() for part in decided["<= 0.55 of the other checkout"]] == ["0.30", "met"]
    assert [part.strip() for part in decided["<= 10"]] == ["8.00", "met"]
    assert [part.strip() for part in decided["0"]] == ["0.00", "met"]


def test_a_budget_that_nothing_was_measured_for_is_not_met():
    lines = list(budgets(Results([a_row("this service")])))
    assert "not measured" in next(line for line in lines if ">= 1.1 of DBOS" in line)


def test_what_is_written_by_hand_stays_around_the_markers():
    page = "# By hand\n<!-- generated: a -->\nold\n<!-- end: a -->\nmine\n<!-- generated: b -->\nb\n<!-- end: b -->\n"
    written = replaced(replaced(page, "a", ["new"]), "a", ["newer"])
    assert written == page.replace("\nold\n", "\n\nnewer\n\n")


@pytest.mark.parametrize(
    "page",
    [
        "no markers",
        "<!-- generated: a --> without an end",
        "<!-- end: a --> <!-- generated: a -->",
        "<!-- generated: a --> <!-- generated: a --> <!-- end: a -->",
    ],
)
def test_a_page_without_its_markers_is_refused(page):
    with pytest.raises(ValueError, match="generated: a"):
        replaced(page, "a", ["new"])


def test_the_page_says_how_to_get_it_again_without_a_path_of_this_machine(tmp_path):
    (tmp_path / "before").mkdir()
    said = provenance("make bench-quick", "--page", against=tmp_path / "before")
    assert said[0].startswith('- `make bench-quick ARGS="--page --against ../before"`, 20')
    assert str(tmp_path) not in "".join(said)


@pytest.mark.parametrize("section", ["table", "budgets", "growth", "workers", "bodies"])
def test_the_page_has_a_place_for_each_part_that_is_generated(section):
    assert "\n\nnew\n\n" in replaced(PAGE.read_text(), section, ["new"])


def test_charts_draw_every_row_to_one_scale(results):
    speed, cost = speed_chart(results), cost_chart(results)
    for row in results.rows:
        assert row.name in speed
        assert row.name in cost
    assert 'width="460.0"' in speed  # the bare engine's 40 a second are the longest bar
    assert 'width="230.0"' in speed  # this service's 20 are half of it

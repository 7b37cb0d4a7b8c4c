import pytest

from bench.capacity import API, PAGE, SHARD_RATE, TRANSACTIONS, UTILISATION, WORKER, needs, units, with_units

TEXT = PAGE.read_text()


def cells(lines: list[str], name: str) -> list[str]:
    line = next(line for line in lines if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_the_page_says_what_its_own_table_of_units_makes():
    generated = TEXT.split("<!-- generated: needs -->")[1].split("<!-- end: needs -->")[0]
    assert generated.strip().splitlines() == list(needs(units(TEXT)))


def test_needs_follow_from_the_units():
    unit = units(TEXT) | {API: 6.0, WORKER: 1.0, UTILISATION: 0.6, TRANSACTIONS: 6.0, SHARD_RATE: 10.0}
    lines = list(needs(unit))
    assert cells(lines, "API processes, a core each") == ["1", "10", "100"]
    assert cells(lines, "worker processes, a core each") == ["1", "2", "17"]
    assert cells(lines, "history shards") == ["512", "1,024", "16,384"]


def test_measured_units_replace_their_lines_alone():
    written = with_units(TEXT, {API: 12.34})
    assert units(written) == units(TEXT) | {API: 12.3}
    assert written.split("<!-- generated: needs -->")[1] == TEXT.split("<!-- generated: needs -->")[1]


def test_a_unit_without_a_line_is_refused():
    with pytest.raises(KeyError, match="CPU of nothing"):
        with_units(TEXT, {"CPU of nothing, ms": 1.0})

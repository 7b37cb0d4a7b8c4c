"""The page of the daily verification says how the command ends, what it prints, and how long it takes."""

import inspect
import re

from page_tables import page_of, rows, section

from bench.capacity import PAGE as CAPACITY
from cli import audit
from cli.audit_files import HEADS_FORMAT
from cli.evidence import EXIT_ALTERED, EXIT_NOT_MADE

PAGE = page_of("guides/verify-every-day.md")


def test_the_exit_codes_and_the_format_of_the_file():
    assert [row[0] for row in rows(section(PAGE, "The command"))] == ["0", str(EXIT_ALTERED), str(EXIT_NOT_MADE)]
    assert f"`{HEADS_FORMAT}`" in PAGE


def test_the_lines_are_the_commands():
    source = inspect.getsource(audit)
    for words in ("nothing was altered: ", " chain ends written to ", "ALTERED: "):
        assert words in PAGE
        assert words in source


def test_what_a_container_gets_from_the_shell_is_exported_and_quoted():
    passed = re.findall(r"docker run .*?--env (\w+)", PAGE)
    assert passed
    for name in passed:
        assert re.search(rf"^export {name}='[^'\n]+'$", PAGE, re.MULTILINE)


def test_the_time_is_the_measured_one():
    measured = rows(CAPACITY.read_text().split("<!-- generated: verify -->")[1].split("<!-- end: verify -->")[0])
    proposals, _, command, postgres, each = (float(cell.replace(",", "")) for cell in measured[-1])
    text = " ".join(PAGE.split())
    assert re.search(
        rf"About {each:.0f} ms a proposal .* {(command + postgres) / proposals * 1000:.1f} ms are CPU", text
    )
    assert f"{each * 100_000 / 60_000:.0f} minutes for 100,000 proposals, {each / 3.6:.0f} hours for a million" in text

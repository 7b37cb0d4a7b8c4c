"""docs/guides/generate-a-client.md names the programs that tests/clients runs, all of them."""

import re
from pathlib import Path

from client_tools import PROGRAMS

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "generate-a-client.md").read_text()


def test_the_programs_of_the_page_are_those_that_are_run():
    named = re.findall(r"\| `(\w+\.\w+)`[^|]*\|$", PAGE, re.MULTILINE)
    assert sorted(named) == sorted(program.name for program in PROGRAMS.iterdir() if program.is_file())

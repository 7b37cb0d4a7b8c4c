"""The tables of a page of docs/, as the tests compare them with the code."""

import re
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
CELL = re.compile(r"(?<!\\)\|")

Row = list[str]


def page_of(name: str) -> str:
    """The Markdown of a page, by its path below docs/."""
    return (DOCS / name).read_text()


def section(page: str, heading: str) -> str:
    """What stands below a heading of the second level, up to the next one."""
    [found] = [part for part in page.split("\n## ")[1:] if part.split("\n", 1)[0] == heading]
    return found


def rows(text: str) -> list[Row]:
    """The cells of every table in the text, without its heads."""
    return list(_rows(text))


def first_codes(text: str) -> list[str]:
    """What stands in backticks in the first cells of the tables."""
    return [code for row in rows(text) for code in re.findall(r"`([^`]+)`", row[0])]


def plain(cell: str) -> str:
    """The cell without backticks and links."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell).replace("`", "")


def _rows(text: str) -> Iterator[Row]:
    is_in_body = False
    for line in text.splitlines():
        if not line.startswith("|"):
            is_in_body = False
        elif set(line) <= set("|-: "):
            is_in_body = True
        elif is_in_body:
            yield [cell.strip().replace("\\|", "|") for cell in CELL.split(line)[1:-1]]

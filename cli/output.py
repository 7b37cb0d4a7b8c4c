"""The output of commands: tables and a live line on a terminal, plain lines elsewhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NoReturn, Protocol

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

BAR: Final = 20  # characters
FULL: Final = "\N{FULL BLOCK}"
EMPTY: Final = "\N{LIGHT SHADE}"

console = Console(highlight=False, markup=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def print_fields(title: str, fields: Mapping[str, object]) -> None:
    """Names and values, one a line; a table on a terminal."""
    shown = {name: "-" if value is None else str(value) for name, value in fields.items()}
    if not console.is_terminal:
        lines = [title, *(f"  {name}: {value}" for name, value in shown.items())]
        console.print("\n".join(lines))  # at once: a program that waits for the title can read the rest
        return
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in shown.items():
        table.add_row(name, value)
    console.print(table, soft_wrap=False)


def print_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows of cells; without a terminal, columns as wide as their longest line, and nothing is cut."""
    if console.is_terminal:
        table = Table(title=title, title_justify="left")
        for place, head in enumerate(heads):
            is_number = all(row[place].isdecimal() for row in rows)
            table.add_column(head, justify="right" if is_number else "left", overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table, soft_wrap=False)
        return
    console.print(title)
    lines = [heads]
    for row in rows:
        cells = [cell.split("\n") for cell in row]
        height = max(map(len, cells))
        lines += zip(*([*cell, *[""] * (height - len(cell))] for cell in cells), strict=True)
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    for line in lines:
        console.print("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def print_error(command: str, lines: Iterable[str]) -> None:
    """Lines on stderr, each behind the command's name."""
    for line in lines:
        errors.print(f"{command}: {line}")


def fail(command: str, *lines: str, exit_code: int = 1) -> NoReturn:
    """End the command with these lines on stderr."""
    print_error(command, lines)
    raise typer.Exit(exit_code) from None


class Show(Protocol):
    def __call__(self, text: str, part: float | None = None) -> None: ...


@contextmanager
def progress_line(*, is_quiet: bool = False) -> Iterator[Show]:
    """A function that shows where things stand: in one live line on a terminal, else in a line for each change.

    `part` is how much of it is done, from 0 to 1, for a bar on a terminal.
    """
    if is_quiet:
        yield lambda text, part=None: None  # noqa: ARG005 -- as others take them
        return
    if console.is_terminal:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("")

            def update(text: str, part: float | None = None) -> None:
                bar = "" if part is None else f"{FULL * round(part * BAR):{EMPTY}<{BAR}} "
                progress.update(task, description=f"{bar}{text}")

            yield update
        return
    last = ""

    def print_change(text: str, part: float | None = None) -> None:  # noqa: ARG001 -- a line has no bar
        nonlocal last
        if text != last:
            console.print(text)
            last = text

    yield print_change

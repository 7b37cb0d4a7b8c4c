"""The output of commands: tables and a live line on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

console = Console(highlight=False, markup=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def print_fields(title: str, fields: Mapping[str, object]) -> None:
    """Names and values, one a line; a table on a terminal."""
    shown = {name: "-" if value is None else str(value) for name, value in fields.items()}
    if not console.is_terminal:
        console.print(title)
        for name, value in shown.items():
            console.print(f"  {name}: {value}")
        return
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in shown.items():
        table.add_row(name, value)
    console.print(table, soft_wrap=False)


def print_error(command: str, lines: Iterable[str]) -> None:
    """Lines on stderr, each behind the command's name."""
    for line in lines:
        errors.print(f"{command}: {line}")


def fail(command: str, *lines: str, exit_code: int = 1) -> NoReturn:
    """End the command with these lines on stderr."""
    print_error(command, lines)
    raise typer.Exit(exit_code) from None


@contextmanager
def progress_line(*, is_quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A function that shows where things stand: in one live line on a terminal, else in a line for each change."""
    if is_quiet:
        yield lambda _: None
        return
    if console.is_terminal:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("")
            yield lambda text: progress.update(task, description=text)
        return
    last = ""

    def print_change(text: str) -> None:
        nonlocal last
        if text != last:
            console.print(text)
            last = text

    yield print_change

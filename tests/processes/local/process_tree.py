"""Processes and their descendants, seen through /proc."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from waiting import PATIENCE_SECONDS


def wait_for(condition: Callable[[], object]) -> None:
    """Poll until the condition holds; it fails the test when time is up."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            for child in map(int, children.read_text().split()):
                found |= {child} | descendants(child)
    return found


def is_alive(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False

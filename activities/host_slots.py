"""A limit of concurrent calls for each host: a receiver that hangs holds its own few slots and no others."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SLOTS_OF_A_HOST: Final = 5


class HostSlots:
    """Counts the calls under way to each host, in this process."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def slot(self, host: str) -> Iterator[bool]:
        """Yields whether a slot was free; it is taken until the block ends."""
        if self._taken[host] >= SLOTS_OF_A_HOST:
            yield False
            return
        self._taken[host] += 1
        try:
            yield True
        finally:
            self._taken[host] -= 1
            if not self._taken[host]:
                del self._taken[host]

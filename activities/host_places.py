"""A receiver that hangs holds its own few places, nobody else's."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PLACES_OF_A_HOST: Final = 5


class HostPlaces:
    """Counts the calls under way to each host, in this process."""

    def __init__(self, places: int = PLACES_OF_A_HOST) -> None:
        self._places = places
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, host: str) -> Iterator[bool]:
        """Yields whether there is one; it is given back when the block ends."""
        if self._taken[host] >= self._places:
            yield False
            return
        self._taken[host] += 1
        try:
            yield True
        finally:
            self._taken[host] -= 1
            if not self._taken[host]:
                del self._taken[host]

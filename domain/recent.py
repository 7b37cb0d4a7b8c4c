"""A bounded cache for texts and what was parsed from them: the steps of an operation follow each other closely."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The values that were used last, up to a total of characters; a value that is longer alone is not kept.

    Callers in several threads share the values and must not change them.
    """

    def __init__(self, *, max_characters: int) -> None:
        self._max_characters = max_characters
        self._characters = 0
        self._entries: OrderedDict[str, tuple[Value, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> Value | None:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def remember(self, key: str, value: Value, *, characters: int) -> None:
        with self._lock:
            if characters > self._max_characters or key in self._entries:
                return
            self._entries[key] = (value, characters)
            self._characters += characters
            while self._characters > self._max_characters:
                _, (_, dropped) = self._entries.popitem(last=False)
                self._characters -= dropped

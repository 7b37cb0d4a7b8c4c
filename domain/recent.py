"""Parsed documents that are likely to be asked for again: the steps of one operation follow each other closely."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """What was made of the latest texts, up to a total length of the texts; a text longer than that is not kept."""

    def __init__(self, make: Callable[[str], Value], *, max_characters: int) -> None:
        self._make = make
        self._max_characters = max_characters
        self._characters = 0
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._lock = Lock()

    def of(self, text: str) -> Value:
        """The text's value, made if it is not here; callers share it and must not change it."""
        with self._lock:
            if text in self._values:
                self._values.move_to_end(text)
                return self._values[text]
        value = self._make(text)
        self.remember(text, value)
        return value

    def remember(self, text: str, value: Value) -> None:
        with self._lock:
            if len(text) > self._max_characters or text in self._values:
                return
            self._values[text] = value
            self._characters += len(text)
            while self._characters > self._max_characters:
                dropped, _ = self._values.popitem(last=False)
                self._characters -= len(dropped)

"""A bounded cache for texts and what was parsed from them: the steps of an operation follow each other closely."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The values that were used last, up to a total size; a value that is larger alone is not kept.

    The caller says in what it measures. Callers in several threads share the values and must not change them.
    """

    def __init__(self, *, max_size: int) -> None:
        self._max_size = max_size
        self._size = 0
        self._entries: OrderedDict[str, tuple[Value, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> Value | None:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def remember(self, key: str, value: Value, *, size: int) -> None:
        with self._lock:
            if size > self._max_size or key in self._entries:
                return
            self._entries[key] = (value, size)
            self._size += size
            while self._size > self._max_size:
                _, (_, dropped) = self._entries.popitem(last=False)
                self._size -= dropped

    def forget(self, key: str) -> None:
        with self._lock:
            if (entry := self._entries.pop(key, None)) is not None:
                self._size -= entry[1]

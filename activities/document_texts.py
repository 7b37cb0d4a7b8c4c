"""The documents that consecutive steps of one operation share, kept for a moment."""

from collections import OrderedDict
from typing import Final

from storage.unit_of_work import Storage

MAX_CHARACTERS: Final = 32_000_000  # several of the largest accepted requests with their results


class DocumentTexts:
    """Reads documents by address through a small cache: an address never changes its text."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._characters = 0

    async def read(self, address: str) -> str:
        text = self._texts.get(address)
        if text is not None:
            self._texts.move_to_end(address)
            return text
        async with self._storage.reading() as reading:
            text = (await reading.documents.read(address))[address]
        self.remember(address, text)
        return text

    def remember(self, address: str, text: str) -> None:
        if address in self._texts:
            return
        self._texts[address] = text
        self._characters += len(text)
        while self._characters > MAX_CHARACTERS and len(self._texts) > 1:
            _, dropped = self._texts.popitem(last=False)
            self._characters -= len(dropped)

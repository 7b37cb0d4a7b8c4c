"""The documents that consecutive steps of one operation share, kept for a moment."""

from typing import Final

from domain.recent import Recent
from storage.unit_of_work import Storage

MAX_CHARACTERS: Final = 32_000_000  # several of the largest accepted requests with their results


class DocumentTexts:
    """Reads documents by address through a small cache: an address never changes its text."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._recent: Recent[str] = Recent(max_characters=MAX_CHARACTERS)

    async def read(self, address: str) -> str:
        text = self._recent.get(address)
        if text is None:
            async with self._storage.reading() as reading:
                text = (await reading.documents.read(address))[address]
            self.remember(address, text)
        return text

    def remember(self, address: str, text: str) -> None:
        self._recent.remember(address, text, characters=len(text))

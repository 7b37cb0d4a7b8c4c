"""Reading what a simulation that is stored already says of itself, for an operation that takes it over."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from domain.evidence import recorded_evidence
from domain.operation import RecordedEvidence
from services.documents import LARGE_BYTES
from services.process_pool import ProcessPool
from storage.unit_of_work import Storage

Stored = tuple[str, str, str]  # the addresses of result, inputs and artifact
Result = TypeVar("Result")


class ResultNotRead(Exception):
    """A key has a result whose documents are to be read first, while no row is locked."""

    def __init__(self, stored: Stored) -> None:
        super().__init__()
        self.stored = stored


class Adoption:
    """Documents do not change, so that they are read while the key's row is not locked."""

    def __init__(self, storage: Storage, pool: ProcessPool) -> None:
        self._storage = storage
        self._pool = pool

    async def with_evidence(self, take: Callable[[RecordedEvidence | None], Awaitable[Result]]) -> Result:
        """The result of `take`, which is called again with the evidence for want of which it raised ResultNotRead."""
        evidence = None
        while True:
            try:
                return await take(evidence)
            except ResultNotRead as found:
                evidence = await self.read(found.stored)

    async def read(self, stored: Stored) -> RecordedEvidence:
        result, _, artifact = stored
        async with self._storage.reading() as reading:
            texts = await reading.documents.read(result, artifact)
        if len(texts[result]) > LARGE_BYTES:
            return await self._pool.run(recorded_evidence, texts[result], texts[artifact], documents=stored)
        return recorded_evidence(texts[result], texts[artifact], documents=stored)


def read_or_refuse(stored: Stored, evidence: RecordedEvidence | None) -> RecordedEvidence:
    """The evidence if it is of these documents. Raises ResultNotRead."""
    if evidence is None or evidence.documents != stored:
        raise ResultNotRead(stored)
    return evidence

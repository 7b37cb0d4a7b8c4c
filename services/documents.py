"""Stored documents for responses, alone or of a version: the bytes that were hashed, in memory once there is room."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from domain.proposal import ProposalVersion
from storage.documents import decompressed
from storage.unit_of_work import Storage

LARGE_BYTES: Final = 256 * 1024  # decompressing or hashing more holds other requests up

Room = Callable[[int], Awaitable[None]]  # returns once so many bytes have room


async def document_bytes(storage: Storage, *addresses: str, room: Room) -> list[bytes]:
    """The documents in this order; large ones wait for room, and hold no connection meanwhile."""
    async with storage.reading() as reading:
        small = await reading.documents.small_contents(*addresses, limit=LARGE_BYTES)
    if not isinstance(small, int):
        return _decompressed(small)
    await room(small)
    async with storage.reading() as reading:
        contents = await reading.documents.contents(*addresses)
    return await asyncio.to_thread(_decompressed, contents)


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionTexts:
    """The documents are JSON texts in UTF-8, to be put into an answer as they are."""

    version: ProposalVersion
    result: bytes
    inputs: bytes
    artifact: bytes


async def with_texts(storage: Storage, version: ProposalVersion, *, room: Room) -> VersionTexts:
    """The version with its documents, read once there is room for them."""
    addresses = (version.result_document, version.inputs_document, version.artifact_document)
    result, inputs, artifact = await document_bytes(storage, *addresses, room=room)
    return VersionTexts(version=version, result=result, inputs=inputs, artifact=artifact)


def _decompressed(contents: Sequence[bytes]) -> list[bytes]:
    return [decompressed(content) for content in contents]

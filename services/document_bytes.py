"""Stored documents for answers: as the bytes that were hashed, in memory only once there is room for them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

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


def _decompressed(contents: Sequence[bytes]) -> list[bytes]:
    return [decompressed(content) for content in contents]

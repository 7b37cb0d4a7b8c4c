"""Room in memory for request bodies: taken as their bytes arrive, since a declared length costs its sender nothing."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from api.large_bodies import LARGE_BODY_BYTES, server_busy

MAX_UNREAD_BYTES: Final = 64 * 1024 * 1024
ROOM_FOR_SMALL_BYTES: Final = 8 * 1024 * 1024  # of that; large bodies keep no small one out


class UnreadBodies:
    """The bytes of bodies that this process has received and has not read yet, and whose they are."""

    def __init__(self) -> None:
        self._bytes = 0
        self._of_client: Counter[str] = Counter()

    @property
    def size(self) -> int:
        """Bytes, at the moment."""
        return self._bytes

    @contextmanager
    def reserved(self, client: str | None) -> Iterator["Reservation"]:
        """Room for one body of this client (None: it is unknown who sends), given back afterwards."""
        reservation = Reservation(self, client)
        try:
            yield reservation
        finally:
            reservation.give_back()

    def require(self, size: int, *, held: int, client: str | None) -> None:
        """Raises RequestRefused (503 SERVER_BUSY) when a body that holds so many bytes cannot have `size` more.

        A body that is alone may be as large as the limit of a body.
        """
        if self._bytes == held:
            return
        room = MAX_UNREAD_BYTES if held + size <= LARGE_BODY_BYTES else MAX_UNREAD_BYTES - ROOM_FOR_SMALL_BYTES
        if self._bytes + size > room:
            raise server_busy("too many request bodies are being received")
        if client is not None and self._of_client[client] + size > MAX_UNREAD_BYTES // 2:
            raise server_busy("too many request bodies of this client are being received")

    def add(self, size: int, *, client: str | None) -> None:
        self._bytes += size
        if client is not None:
            self._of_client[client] += size
            if not self._of_client[client]:
                del self._of_client[client]


class Reservation:
    """The room that one body has taken so far."""

    def __init__(self, bodies: UnreadBodies, client: str | None) -> None:
        self._bodies = bodies
        self._client = client
        self._size = 0

    def require(self, size: int) -> None:
        """Raises RequestRefused when a whole body of this size has no room at the moment; takes none."""
        self._bodies.require(size - self._size, held=self._size, client=self._client)

    def cover(self, size: int) -> None:
        """Takes room for so many bytes of the body. Raises RequestRefused."""
        self.require(size)
        self._bodies.add(size - self._size, client=self._client)
        self._size = size

    def give_back(self) -> None:
        self._bodies.add(-self._size, client=self._client)
        self._size = 0

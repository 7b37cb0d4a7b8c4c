"""How much one client or one process takes at a time: room for bodies and answers, places of a key, sizes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, Literal

from domain.errors import ServerBusy

LARGE_BODY_BYTES: Final = 256 * 1024
MAX_UNREAD_BYTES: Final = 64 * 1024 * 1024
ROOM_FOR_SMALL_BYTES: Final = 8 * 1024 * 1024  # of that; large bodies keep no small one out
MAX_ANSWER_BYTES: Final = 256 * 1024 * 1024
ANSWER_WAIT_SECONDS: Final = 20.0
AT_ONCE: Final = 2  # of one key and sender; all but the first are answered what the first made


class UnreadBodies:
    """The bytes of bodies that this process has received and has not read yet, and whose they are.

    They count as they arrive, since a declared length costs its sender nothing.
    """

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
        """Raises ServerBusy when a body that holds so many bytes cannot have `size` more.

        A body that is alone may be as large as the limit of a body.
        """
        if self._bytes == held:
            return
        room = MAX_UNREAD_BYTES if held + size <= LARGE_BODY_BYTES else MAX_UNREAD_BYTES - ROOM_FOR_SMALL_BYTES
        if self._bytes + size > room:
            raise ServerBusy("too many request bodies are being received")
        if client is not None and self._of_client[client] + size > MAX_UNREAD_BYTES // 2:
            raise ServerBusy("too many request bodies of this client are being received")

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
        """Raises ServerBusy when a whole body of this size has no room at the moment; takes none."""
        self._bodies.require(size - self._size, held=self._size, client=self._client)

    def cover(self, size: int) -> None:
        """Takes room for so many bytes of the body. Raises ServerBusy."""
        self.require(size)
        self._bodies.add(size - self._size, client=self._client)
        self._size = size

    def give_back(self) -> None:
        self._bodies.add(-self._size, client=self._client)
        self._size = 0


class LargeAnswers:
    """The bytes of documents that this process holds to answer with: large ones wait for room, in their order.

    One that is alone may be as large as it is. Small ones (`LARGE_BYTES`) neither wait nor count.
    """

    def __init__(self, *, max_bytes: int = MAX_ANSWER_BYTES, wait_seconds: float = ANSWER_WAIT_SECONDS) -> None:
        self._max_bytes = max_bytes
        self._wait_seconds = wait_seconds
        self._bytes = 0
        self._turn = asyncio.Lock()  # the first of those that wait has it
        self._freed = asyncio.Event()

    @property
    def size(self) -> int:
        """Bytes, at the moment."""
        return self._bytes

    async def add(self, size: int) -> None:
        """Waits until so many more bytes have room. Raises ServerBusy when the time is up."""
        try:
            async with asyncio.timeout(self._wait_seconds), self._turn:
                while self._bytes and self._bytes + size > self._max_bytes:
                    self._freed.clear()
                    await self._freed.wait()
                self._bytes += size
        except TimeoutError:
            raise ServerBusy("too many large answers are being sent") from None

    def remove(self, size: int) -> None:
        self._bytes -= size
        self._freed.set()


class AnswerRoom:
    """The room that one request has taken for its answer."""

    def __init__(self, answers: LargeAnswers) -> None:
        self._answers = answers
        self._size = 0

    async def take(self, size: int) -> Literal[True]:
        """Raises ServerBusy. A request takes room once: one that held some and waited could wait for itself."""
        await self._answers.add(size)
        self._size = size  # nothing is awaited in between, so a cancellation loses no room
        return True

    def give_back(self) -> None:
        if self._size:
            self._answers.remove(self._size)
            self._size = 0


class KeyedLimiter:
    """A few requests of one sender and key at a time, in the order in which they came.

    A client that sends a key a thousand times at once makes its own requests wait, and no others: a waiting one has
    received no body and holds no connection to the database. (Those that are let in together are still one
    submission: `SubmissionService` joins them, also those of two tokens of one client.)
    """

    def __init__(self) -> None:
        self._slots: dict[tuple[str, str], asyncio.Semaphore] = {}
        self._users: Counter[tuple[str, str]] = Counter()

    @asynccontextmanager
    async def slot(self, sender: str, key: str) -> AsyncIterator[None]:
        """Wait for a slot of this sender's key, and hold it."""
        name = (sender, key)
        slots = self._slots.setdefault(name, asyncio.Semaphore(AT_ONCE))
        self._users[name] += 1
        try:
            async with slots:
                yield
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name], self._slots[name]

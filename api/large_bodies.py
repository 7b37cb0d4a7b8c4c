"""Large bodies are read in processes of their own: parsing one takes the interpreter's lock for a second."""

import asyncio
from http import HTTPStatus
from typing import Final

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from api.problems import RequestRefused
from api.reading import NotRead, read_whole
from api.schemas.whole_body import RefusedBody
from services.process_pool import ProcessPool

LARGE_BODY_BYTES: Final = 256 * 1024
READ_AT_ONCE: Final = 2
SLOT_WAIT_SECONDS: Final = 20.0


class LargeBodies:
    """Reads a few at a time; the pool has a process for each."""

    def __init__(self, pool: ProcessPool, *, max_rows: int) -> None:
        self._pool = pool
        self._max_rows = max_rows
        self._slots = asyncio.Semaphore(READ_AT_ONCE)

    async def read(self, body: bytes, model: type[BaseModel]) -> BaseModel | RefusedBody:
        """The valid request without its rows, or what is wrong with it.

        Raises RequestValidationError for what is no JSON or too large a request, OperationTooExpensive, RequestRefused
        (503 SERVER_BUSY) when no slot gets free.
        """
        try:
            async with asyncio.timeout(SLOT_WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise server_busy("too many large request bodies are being read") from None
        try:
            return await self._pool.run(read_whole, body, model, max_rows=self._max_rows)
        except NotRead as refused:
            raise RequestValidationError(refused.errors) from None
        finally:
            self._slots.release()


def server_busy(reason: str) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.SERVICE_UNAVAILABLE, "SERVER_BUSY", f"SERVER_BUSY: {reason}", headers={"Retry-After": "1"}
    )

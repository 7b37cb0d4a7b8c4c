"""HTTP by bytes: what clients send that no HTTP library of a test would."""

import asyncio
import contextlib
import json
from types import SimpleNamespace

from waiting import PATIENCE_SECONDS

LIVE = "GET /health/live HTTP/1.1\r\nHost: x\r\n"


async def read_answer(reader: asyncio.StreamReader) -> SimpleNamespace:
    """The next answer of a connection, as an HTTP client shows it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, *fields = head.rstrip().split("\r\n")
    headers = {name.title(): value for name, value in (field.split(": ", 1) for field in fields)}
    content = await reader.readexactly(int(headers["Content-Length"]))
    return SimpleNamespace(
        status_code=int(status.split()[1]), headers=headers, content=content, json=lambda: json.loads(content)
    )


@contextlib.asynccontextmanager
async def connected(api):
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    async with asyncio.timeout(PATIENCE_SECONDS):
        yield reader, writer
    writer.close()


async def answer_to(api, sent: str, *, ends: bool = True) -> SimpleNamespace:
    """The answer to these bytes, after which the connection ends."""
    async with connected(api) as (reader, writer):
        writer.write(sent.encode())
        answer = await read_answer(reader)
        assert not ends or await reader.read() == b""
    return answer

"""An egress proxy for tests: opens tunnels by CONNECT, and keeps the heads of what it was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class EgressProxyServer:
    """Answers with `status` and, when that is 200, connects to the place that it was asked for."""

    def __init__(self) -> None:
        self.heads: list[list[str]] = []
        self.status = "200 OK"
        self.port = 0
        self._serving: set[asyncio.Task] = set()

    @property
    def asked_for(self) -> list[str]:
        return [head[0] for head in self.heads]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["EgressProxyServer"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.current_task())
        async with _closing(writer):
            await self._tunnel(reader, writer)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.heads.append(head)
        writer.write(f"HTTP/1.1 {self.status}\r\n\r\n".encode())
        if self.status.startswith("200"):
            host, _, port = head[0].split(" ")[1].rpartition(":")
            there, to_there = await asyncio.open_connection(host.strip("[]"), int(port))
            async with _closing(to_there):
                copies = [asyncio.create_task(_copy(reader, to_there)), asyncio.create_task(_copy(there, writer))]
                try:
                    await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for copy in copies:
                        copy.cancel()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

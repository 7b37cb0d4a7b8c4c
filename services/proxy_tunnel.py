"""A connection through an egress proxy (RFC 9110, CONNECT), to an address and never to a name.

A proxy that is given a name resolves it by itself, and so reaches what the caller has not judged.
"""

from contextlib import suppress
from typing import Final

import httpcore2

from domain.callback_addresses import Address
from domain.egress_proxy import EgressProxy

MAX_HEAD_BYTES: Final = 16 * 1024
END_OF_HEAD: Final = b"\r\n\r\n"


class ProxyRefused(httpcore2.ConnectError):
    """The proxy answers, and opens no tunnel."""


async def open_tunnel(
    stream: httpcore2.AsyncNetworkStream, proxy: EgressProxy, *, address: Address, port: int, seconds: float
) -> None:
    """Make the connection to the proxy one to the address. Raises ProxyRefused; the connection is closed then."""
    place = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"  # noqa: PLR2004 -- IP's own number
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if proxy.authorization is not None:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    try:
        await stream.write("\r\n".join([*lines, "", ""]).encode(), seconds)
        head = await _head(stream, seconds=seconds)
    except BaseException:
        await _close(stream)
        raise
    status = head.split(b" ", 2)[1:2]
    if not head.startswith(b"HTTP/1.") or not status or not status[0].startswith(b"2"):
        await _close(stream)
        raise ProxyRefused("no tunnel")


async def _head(stream: httpcore2.AsyncNetworkStream, *, seconds: float) -> bytes:
    """Byte by byte: the bytes after the head belong to the receiver behind the proxy."""
    head = bytearray()
    while not head.endswith(END_OF_HEAD):
        read = await stream.read(1, seconds)
        head += read
        if not read or len(head) > MAX_HEAD_BYTES:
            raise ProxyRefused("no answer")
    return bytes(head)


async def _close(stream: httpcore2.AsyncNetworkStream) -> None:
    with suppress(httpcore2.NetworkError):
        await stream.aclose()

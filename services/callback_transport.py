"""One POST to an untrusted receiver: to a checked address, with time and size limits, without redirect."""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import httpcore2

from domain.callback_retries import AttemptError
from domain.egress_proxy import EgressProxy
from domain.tls_failure import tls_failure
from services.callback_target import AttemptFailed, CallbackTarget
from services.proxy_tunnel import ProxyRefused, open_tunnel

DIAL_SECONDS: Final = 4.0  # each of a host's addresses: one that drops packets must not use up all the time
MAX_ANSWER_BYTES: Final = 64 * 1024  # all of an answer as it comes, after TLS: heads, framing, body and trailers
# At a time: httpcore2 parses all of a read, up to hundreds of events, in one turn of the loop.
READ_BYTES: Final = 4 * 1024

Header = tuple[bytes, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackAnswer:
    """The part of a receiver's answer that matters; its body is read and thrown away."""

    status_code: int
    retry_after: str | None


class CallbackTransport:
    """A new connection for each call, through the proxy if there is one; variables like HTTPS_PROXY are not read."""

    def __init__(self, trust: ssl.SSLContext | None = None, *, proxy: EgressProxy | None = None) -> None:
        self._trust = trust or ssl.create_default_context()
        self._proxy = proxy

    async def post(
        self, target: CallbackTarget, *, headers: Sequence[Header], body: bytes, deadline: float
    ) -> CallbackAnswer:
        """The answer, of any status, if its head comes before the deadline, a time of the loop's clock.

        Raises AttemptFailed.
        """
        request = httpcore2.Request(
            b"POST",
            httpcore2.URL(
                scheme=target.url.scheme.encode(),
                host=target.url.host.encode(),
                port=target.url.port,
                target=target.url.target.encode(),
            ),
            headers=[(b"Host", target.url.authority.encode()), *headers],
            content=body,
        )
        try:
            async with httpcore2.AsyncConnectionPool(
                ssl_context=self._trust,
                max_connections=1,
                max_keepalive_connections=0,
                network_backend=_PinnedBackend(target, self._proxy),
            ) as connections:
                async with asyncio.timeout_at(deadline):
                    answer = await connections.handle_async_request(request)
                try:
                    await _discard_body(answer, deadline=deadline)
                finally:
                    await answer.aclose()
        except (TimeoutError, httpcore2.TimeoutException):
            raise AttemptFailed(AttemptError.TIMEOUT) from None
        except httpcore2.NetworkError as failure:
            raise AttemptFailed(_network_error(failure)) from None
        except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol):
            raise AttemptFailed(AttemptError.ANSWER_INVALID) from None
        return CallbackAnswer(status_code=answer.status, retry_after=_retry_after(answer))


class _PinnedBackend(httpcore2.AsyncNetworkBackend):
    """Dials the addresses that were checked, one after the other; TLS goes on verifying the name."""

    def __init__(self, target: CallbackTarget, proxy: EgressProxy | None) -> None:
        self._target = target
        self._proxy = proxy
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the signature of httpcore2
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        if (host, port) != (self._target.url.host, self._target.url.port):
            raise httpcore2.ConnectError("another host than the one that was checked")
        seconds = DIAL_SECONDS if timeout is None else timeout
        failure: Exception = httpcore2.ConnectError("no address")
        for address in self._target.addresses:
            place = (str(address), port) if self._proxy is None else (self._proxy.host, self._proxy.port)
            try:
                stream = await self._network.connect_tcp(
                    *place, timeout=seconds, local_address=local_address, socket_options=socket_options
                )
                if self._proxy is not None:
                    await open_tunnel(stream, self._proxy, address=address, port=port, seconds=seconds)
            except (httpcore2.NetworkError, httpcore2.TimeoutException) as refused:
                failure = refused
            else:
                return _BoundedStream(stream)
        raise failure


class _BoundedStream(httpcore2.AsyncNetworkStream):
    """Gives MAX_ANSWER_BYTES and no more: httpcore2 itself takes any number of 1xx answers, and of empty chunks."""

    def __init__(self, network: httpcore2.AsyncNetworkStream) -> None:
        self._network = network
        self._left = MAX_ANSWER_BYTES

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 -- as above
        if self._left == 0:
            raise httpcore2.RemoteProtocolError("the answer is too long")
        await asyncio.sleep(0)  # TLS returns what it has decrypted already without a turn of the loop
        read = await self._network.read(min(max_bytes, self._left, READ_BYTES), timeout)
        self._left -= len(read)
        return read

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- as above
        await self._network.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._network.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 -- as above
    ) -> httpcore2.AsyncNetworkStream:
        return _BoundedStream(await self._network.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._network.get_extra_info(info)


async def _discard_body(answer: httpcore2.Response, *, deadline: float) -> None:
    """Read the body, so that the receiver sees no broken connection; errors here do not change the status."""
    with suppress(TimeoutError, httpcore2.NetworkError, httpcore2.ProtocolError):
        async with asyncio.timeout_at(deadline):
            async for _ in answer.aiter_stream():
                pass


def _network_error(failure: BaseException) -> AttemptError:
    if isinstance(failure, ProxyRefused):
        return AttemptError.PROXY_REFUSED
    tls = tls_failure(failure)
    return AttemptError.CONNECTION_FAILED if tls is None else AttemptError(tls.value)


def _retry_after(answer: httpcore2.Response) -> str | None:
    return next(
        (value.decode("ascii", "replace") for name, value in answer.headers if name.lower() == b"retry-after"), None
    )

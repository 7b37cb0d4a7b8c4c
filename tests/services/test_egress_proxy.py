"""Callbacks and keys through a proxy: what it is asked for, and that the guard of addresses holds."""

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import certificates
import pytest
from egress import EgressProxyServer
from receiver import RULES, Receiver
from structlog.testing import capture_logs
from waiting import until

from domain.callback import CallbackRules
from domain.callback_retries import AttemptError
from domain.egress_proxy import EgressProxy
from runtime.issuer_keys import IssuerKeys, from_url
from services.callback_target import AttemptFailed, CallbackTargets
from services.callback_transport import CallbackAnswer, CallbackTransport


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
async def proxy(receiver):
    """Ends before the receiver, which waits for the ends of its connections."""
    async with EgressProxyServer().serving() as proxy:
        yield proxy


@pytest.fixture
def trust(receiver, tmp_path) -> ssl.SSLContext:
    """The receiver speaks TLS as a.example."""
    certificate = certificates.make(tmp_path, name="a.example", begins=datetime.now(UTC) - timedelta(days=1))
    receiver._server.socket = certificates.serving(certificate).wrap_socket(receiver._server.socket, server_side=True)
    return ssl.create_default_context(cafile=certificate)


async def posted(proxy: EgressProxyServer, url: str, *, resolved: str = "127.0.0.1", trust=None) -> CallbackAnswer:
    async def resolve(_host: str, _port: int) -> list[str]:
        return [resolved]

    rules = CallbackRules(secrets=RULES.secrets, allowed_hosts=frozenset({"a.example", "b.example"}))
    targets = CallbackTargets(rules, resolve=resolve)
    target = await targets.pinned(targets.parse(url))
    transport = CallbackTransport(trust, proxy=EgressProxy.of(f"http://desk:secret@127.0.0.1:{proxy.port}"))
    return await transport.post(
        target,
        headers=[(b"Content-Length", b"2"), (b"Connection", b"close")],
        body=b"{}",
        deadline=asyncio.get_running_loop().time() + 20,
    )


async def test_a_callback_goes_to_the_checked_address_with_the_name_in_tls(proxy, receiver, trust):
    answer = await posted(proxy, f"https://a.example:{receiver.port}/hook", trust=trust)

    assert answer.status_code == 204
    assert proxy.asked_for == [f"CONNECT 127.0.0.1:{receiver.port} HTTP/1.1"]
    assert "Proxy-Authorization: Basic ZGVzazpzZWNyZXQ=" in proxy.heads[0]
    assert receiver.received[0].headers["host"] == f"a.example:{receiver.port}"
    assert "proxy-authorization" not in receiver.received[0].headers


async def test_tls_goes_on_verifying_the_name(proxy, receiver, trust):
    with pytest.raises(AttemptFailed) as failed:
        await posted(proxy, f"https://b.example:{receiver.port}/", trust=trust)
    assert failed.value.error is AttemptError.TLS_NAME_MISMATCH


async def test_plain_http_goes_through_a_tunnel_too(proxy, receiver):
    assert (await posted(proxy, f"http://a.example:{receiver.port}/")).status_code == 204
    assert proxy.asked_for == [f"CONNECT 127.0.0.1:{receiver.port} HTTP/1.1"]


async def test_an_address_that_is_not_allowed_never_reaches_the_proxy(proxy):
    with pytest.raises(AttemptFailed) as failed:
        await posted(proxy, "https://a.example/", resolved="169.254.169.254")
    assert failed.value.error is AttemptError.URL_NOT_ALLOWED
    assert proxy.heads == []


@pytest.mark.parametrize(
    "status", ["403 Forbidden", "407 Proxy Authentication Required", "502 Bad Gateway", "x" * 20_000]
)
async def test_a_proxy_that_opens_no_tunnel_is_told_from_a_receiver_that_refuses(proxy, receiver, status):
    proxy.status = status
    with pytest.raises(AttemptFailed) as failed:
        await posted(proxy, f"https://a.example:{receiver.port}/")
    assert failed.value.error is AttemptError.PROXY_REFUSED
    assert receiver.received == []


async def test_the_issuers_keys_are_fetched_through_the_proxy(proxy):
    proxy.status = "403 Forbidden"
    with capture_logs() as logged:
        url = f"http://127.0.0.1:{proxy.port}"
        async with (
            from_url("https://issuer.example/keys", proxy=url) as load,
            IssuerKeys(load, refresh_seconds=300).running(),
        ):
            await until(lambda: logged)
    assert proxy.asked_for == ["CONNECT issuer.example:443 HTTP/1.1"]
    assert logged[0]["reason"] == "ProxyError"

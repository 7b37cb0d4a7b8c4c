"""A private authority by the variables of docs/guides/private-cas-and-proxies.md: PostgreSQL, Temporal, traces."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import certificates
import psycopg
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from waiting import PATIENCE_SECONDS, until

from runtime.temporal import connect

SSL_REQUEST_BYTES = 8


@pytest.fixture
def certificate(tmp_path):
    """Of a server of this machine, signed by itself: the authority is the certificate."""
    return certificates.make(tmp_path, name="localhost", begins=datetime.now(UTC))


@asynccontextmanager
async def server_of(certificate, *, is_postgres=False, clients=None) -> AsyncIterator[tuple[int, list[bool]]]:
    """Its port, and for each client whether TLS came about: a client that does not trust the server ends it.

    `clients` is the authority of their certificates, when the server asks for some.
    """
    handshakes: list[bool] = []
    context = certificates.serving(certificate)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    context.set_alpn_protocols(["h2", "postgresql"])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if is_postgres:  # plain text first: may I? yes
                await reader.readexactly(SSL_REQUEST_BYTES)
                writer.write(b"S")
            await writer.start_tls(context)
            handshakes.append(bool(await reader.read(1)))  # with TLS 1.3 a client refuses after the server's handshake
        except (ssl.SSLError, OSError):
            handshakes.append(False)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], handshakes
    server.close()


async def is_trusted_by_postgres(port: int, handshakes: list[bool]) -> bool:
    url = f"postgresql://x@localhost:{port}/x?sslmode=verify-full&connect_timeout={PATIENCE_SECONDS:.0f}"
    with pytest.raises(psycopg.OperationalError):  # it is no PostgreSQL
        await psycopg.AsyncConnection.connect(url)
    await until(lambda: handshakes)
    return handshakes.pop()


async def test_postgresql(certificate, tmp_path, monkeypatch):
    async with server_of(certificate, is_postgres=True) as (port, handshakes):
        other = certificates.make(tmp_path, name="another", begins=datetime.now(UTC))
        monkeypatch.setenv("PGSSLROOTCERT", str(other))
        assert not await is_trusted_by_postgres(port, handshakes)
        monkeypatch.setenv("PGSSLROOTCERT", str(certificate))
        assert await is_trusted_by_postgres(port, handshakes)


async def is_trusted_by_temporal(handshakes: list[bool]) -> bool:
    with pytest.raises(RuntimeError):  # it is no Temporal
        await connect(lazy=False, identity="test")
    return any(handshakes)


async def test_temporal(certificate, monkeypatch):
    monkeypatch.setenv("TEMPORAL_TLS", "true")
    async with server_of(certificate) as (port, handshakes):
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"localhost:{port}")
        assert not await is_trusted_by_temporal(handshakes)
        monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(certificate))
        assert await is_trusted_by_temporal(handshakes)


async def test_temporal_that_asks_for_a_certificate_of_the_client(certificate, tmp_path, monkeypatch):
    own = certificates.make(tmp_path, name="proposals", begins=datetime.now(UTC))
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(certificate))
    async with server_of(certificate, clients=own) as (port, handshakes):
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"localhost:{port}")
        assert not await is_trusted_by_temporal(handshakes)
        monkeypatch.setenv("TEMPORAL_TLS_CLIENT_CERT_PATH", str(own))
        monkeypatch.setenv("TEMPORAL_TLS_CLIENT_KEY_PATH", str(own))
        assert await is_trusted_by_temporal(handshakes)


async def test_temporal_by_another_name(certificate, monkeypatch):
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(certificate))
    async with server_of(certificate) as (port, handshakes):
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{port}")
        assert not await is_trusted_by_temporal(handshakes)
        monkeypatch.setenv("TEMPORAL_TLS_SERVER_NAME", "localhost")
        assert await is_trusted_by_temporal(handshakes)


async def traces_are_tried(*, of: list[bool], until_one_is: bool) -> None:
    """Until a handshake comes to that end: the exporter tries again and again."""
    exporter = OTLPSpanExporter(timeout=PATIENCE_SECONDS)
    exporting = asyncio.create_task(asyncio.to_thread(exporter.export, []))
    await until(lambda: until_one_is in of)
    exporter.shutdown()
    await exporting


async def test_traces(certificate, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they would win
        monkeypatch.delenv(name, raising=False)
    async with server_of(certificate) as (port, handshakes):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"https://localhost:{port}")
        await traces_are_tried(until_one_is=False, of=handshakes)
        assert not any(handshakes)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(certificate))
        await traces_are_tried(until_one_is=True, of=handshakes)

"""The reason that is given when an issuer's keys cannot be fetched."""

import asyncio
import json
import os
from datetime import UTC, datetime

import certificates
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from issuer import jwk_of
from structlog.testing import capture_logs
from waiting import PATIENCE_SECONDS, until

from runtime.issuer_keys import IssuerKeys, from_file, from_url
from runtime.jwks import KeySetInvalid


async def test_an_issuer_whose_certificate_is_of_an_unknown_issuer_is_told_apart_from_a_silent_one(tmp_path):
    certificate = certificates.make(tmp_path, name="issuer.example", begins=datetime.now(UTC))
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=certificates.serving(certificate))
    port = server.sockets[0].getsockname()[1]
    reasons = []
    for url in (f"https://127.0.0.1:{port}/keys", "http://127.0.0.1:1/keys"):
        with capture_logs() as logged:
            async with from_url(url) as load, IssuerKeys(load, refresh_seconds=300).running() as keys:
                assert not keys.are_fresh
                await until(lambda logged=logged: logged)
                assert not keys.are_fresh
        reasons += [line["reason"] for line in logged]
    server.close()

    assert reasons == ["TLS_ISSUER_UNKNOWN", "ConnectError"]


async def test_a_private_authority_is_trusted_by_the_variable_that_openssl_reads(tmp_path, monkeypatch):
    certificate = certificates.make(tmp_path, name="localhost", begins=datetime.now(UTC))
    keys = json.dumps({"keys": [jwk_of(ec.generate_private_key(ec.SECP256R1()), "k")]}).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(keys) + keys)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=certificates.serving(certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}/keys"
    async with from_url(url) as load, IssuerKeys(load, refresh_seconds=300).running() as issuer_keys:
        await until(lambda: issuer_keys.are_fresh)
        assert await issuer_keys.find("k", "ES256") is not None
    server.close()


async def test_a_file_of_keys_is_read_no_further_than_a_key_set_goes(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(b" " * 256 * 1024)
    assert len(await from_file(path)()) == 256 * 1024
    with path.open("ab") as file:
        file.truncate(1024**4)  # of which the disk holds nothing
    with pytest.raises(KeySetInvalid, match="larger than a key set"):
        await from_file(path)()


async def test_a_file_of_keys_that_became_a_fifo_holds_no_thread(tmp_path):
    os.mkfifo(tmp_path / "keys.json")
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(OSError, match="Not a regular file"):
            await from_file(tmp_path / "keys.json")()

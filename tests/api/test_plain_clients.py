"""What HTTP clients and proxies send by themselves: offers of HTTP/2, expectations, HTTP/1.0, whole URLs as targets."""

import asyncio
import json
import uuid

import pytest
from answers import assert_problem, stored
from builders import a_body
from raw_http import LIVE, answer_to, connected, read_answer
from waiting import PATIENCE_SECONDS

from api.http import body as api_body
from cli.http_protocol import MAX_FRAMING_BYTES

pytestmark = pytest.mark.shared
PATH = "/rebalance/proposals/async"
# Recorded: what `java.net.http.HttpClient` of JDK 17 sends unless it is told to speak HTTP/1.1 only.
JDK_OFFER = (
    "Connection: Upgrade, HTTP2-Settings\r\n"
    "Content-Length: {length}\r\n"
    "Host: 127.0.0.1:8000\r\n"
    "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
    "Upgrade: h2c\r\n"
    "User-Agent: Java-http-client/17.0.15\r\n"
)
OFFER = "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\nUpgrade: h2c\r\n"
TOO_LARGE = (431, "REQUEST_HEADER_FIELDS_TOO_LARGE")
EXPECT = "Expect: 100-continue\r\n"


def fields(*, key: str | None = None) -> str:
    return f"Content-Type: application/json\r\nIdempotency-Key: {key or uuid.uuid4().hex}\r\n"


def chunked(content: str, size: int = 1000) -> str:
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    return "".join(f"{len(chunk):x}\r\n{chunk}\r\n" for chunk in chunks) + "0\r\n\r\n"


async def in_parts(writer: asyncio.StreamWriter, sent: str, size: int) -> None:
    for start in range(0, len(sent), size):
        writer.write(sent[start : start + size].encode())
        await writer.drain()
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("size", [7, 500, 10_000_000])
async def test_the_jdks_offer_of_http_2_is_ignored(api, monkeypatch, size):
    """Head and body in pieces of any size, and further requests behind them on the same connection."""
    for limit in ("RECEIVE_SECONDS", "PACE_SECONDS"):  # hundreds of pieces take a busy machine as long as they take
        monkeypatch.setattr(api_body, limit, PATIENCE_SECONDS)
    body = json.dumps(a_body(), indent=4)
    head = f"POST {PATH} HTTP/1.1\r\n{JDK_OFFER.format(length=len(body))}{fields()}\r\n"
    async with connected(api) as (reader, writer):
        await in_parts(writer, f"{head}{body}{LIVE}{OFFER}\r\n{head}{body}", size)
        accepted = await read_answer(reader)
        assert accepted.status_code == 202, accepted.content
        assert "Upgrade" not in accepted.headers
        assert (await read_answer(reader)).status_code == 200
        assert (await read_answer(reader)).headers["Idempotent-Replayed"] == "true"


async def test_an_offer_with_a_large_or_chunked_body(api):
    large = json.dumps(a_body() | {"padding": "x" * 300_000})
    async with connected(api) as (reader, writer):
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{OFFER}{fields()}"
        for framing, content in (
            (f"Content-Length: {len(large)}\r\n", large),
            ("Transfer-Encoding: chunked\r\n", chunked(large)),
        ):
            writer.write(f"{head}{framing}\r\n{content}".encode())
            assert (await read_answer(reader)).status_code == 202


@pytest.mark.parametrize("offer", ["Connection: Upgrade\r\nUpgrade: websocket\r\n", OFFER, "Upgrade: h2c\r\n"])
async def test_an_offer_without_a_body(api, offer):
    async with connected(api) as (reader, writer):
        for _ in range(3):
            writer.write(f"{LIVE}{offer}\r\n".encode())
            assert (await read_answer(reader)).status_code == 200
        writer.write(f"{LIVE}{offer.replace('Upgrade,', 'close, Upgrade,')}Connection: close\r\n\r\n".encode())
        assert (await read_answer(reader)).status_code == 200
        assert await reader.read() == b""


@pytest.mark.shared(False)  # it counts what is stored
@pytest.mark.parametrize(
    ("framing", "expected"),
    [
        ("Transfer-Encoding: gzip\r\n", (400, "BAD_REQUEST")),
        ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", (400, "BAD_REQUEST")),
        ("Content-Length: x\r\n", (400, "BAD_REQUEST")),
        (f"Transfer-Encoding: chunked\r\n\r\n0\r\n{'a: b' * MAX_FRAMING_BYTES}", TOO_LARGE),
    ],
)
async def test_an_offer_changes_no_rule_of_framing(api, database_dsn, framing, expected):
    sent = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{OFFER}{fields()}{framing}\r\n"
    assert_problem(await answer_to(api, sent), *expected)
    assert stored(database_dsn) == 0


@pytest.mark.parametrize("offer", ["", OFFER])
async def test_a_body_that_will_be_read_is_asked_for(api, offer):
    body = json.dumps(a_body())
    async with connected(api) as (reader, writer):
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{offer}{fields()}{EXPECT}Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body.encode())
        assert (await read_answer(reader)).status_code == 202
        writer.write(f"{LIVE}\r\n".encode())
        assert (await read_answer(reader)).status_code == 200


@pytest.mark.parametrize(
    ("target", "sent", "status"),
    [
        (PATH, "Content-Type: text/plain\r\nContent-Length: 5\r\n", 415),
        (PATH, f"{fields()}Content-Encoding: gzip\r\nContent-Length: 5\r\n", 415),
        (PATH, f"{fields()}Content-Length: 1000000000\r\n", 413),
        (PATH, f"{fields()}X-Correlation-Id: a b\r\nContent-Length: 5\r\n", 422),
        ("/nowhere", f"{fields()}Content-Length: 5\r\n", 404),
        ("/health/live", f"{fields()}Content-Length: 5\r\n", 405),
    ],
)
async def test_a_body_that_is_not_read_is_not_asked_for_and_ends_the_connection(api, target, sent, status):
    """The client may send the body, or not: the next request could not be told from it."""
    answer = await answer_to(api, f"POST {target} HTTP/1.1\r\nHost: x\r\n{EXPECT}{sent}\r\n")
    assert (answer.status_code, answer.headers["Connection"].lower()) == (status, "close")


async def test_who_may_not_is_not_asked_for_a_body(secured):
    sent = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{EXPECT}{fields()}Content-Length: 5\r\n\r\n"
    assert_problem(await answer_to(secured, sent), 401, "UNAUTHENTICATED")


async def test_http_1_0_knows_of_no_expectation(api):
    body = json.dumps(a_body())
    head = f"POST {PATH} HTTP/1.0\r\nHost: x\r\n{EXPECT}{fields()}Content-Length: {len(body)}\r\n\r\n"
    async with connected(api) as (reader, writer):
        writer.write(head.encode())
        await asyncio.sleep(0.2)
        writer.write(body.encode())
        assert (await read_answer(reader)).status_code == 202


@pytest.mark.parametrize("connection", ["", "Connection: keep-alive\r\n", "Connection: close\r\n"])
async def test_http_1_0_ends_with_its_answer(api, connection):
    """A client that asks to keep the connection learns that it ends."""
    answer = await answer_to(api, f"GET /openapi.json HTTP/1.0\r\nHost: x\r\nAccept-Encoding: gzip\r\n{connection}\r\n")
    assert (answer.status_code, answer.headers["Connection"]) == (200, "close")
    assert "Transfer-Encoding" not in answer.headers


@pytest.mark.parametrize("connection", ["close", "Close", "close, TE", "keep-alive, CLOSE"])
async def test_a_client_that_closes_is_told_so(api, connection):
    answer = await answer_to(api, f"{LIVE}Connection: {connection}\r\n\r\n")
    assert (answer.status_code, answer.headers["Connection"]) == (200, "close")


async def test_a_proxys_whole_url_is_the_target(api):
    """Its host is used for nothing: `Location` is relative, and so is of whatever host the client asked."""
    body = json.dumps(a_body())
    head = f"Host: proposals.example\r\n{fields()}Content-Length: {len(body)}\r\n\r\n"
    async with connected(api) as (reader, writer):
        writer.write(f"POST http://proposals.example{PATH} HTTP/1.1\r\n{head}{body}".encode())
        accepted = await read_answer(reader)
        assert accepted.status_code == 202
        location = accepted.headers["Location"]
        assert location == accepted.json()["status_url"] == accepted.headers["Operation-Location"]
        writer.write(f"GET http://other.example:8080{location}?wait=0 HTTP/1.1\r\nHost: other.example\r\n\r\n".encode())
        assert (await read_answer(reader)).json()["operation_id"] == accepted.json()["operation_id"]


@pytest.mark.parametrize("target", ["http://x", "http://x?", "HTTP://x:8000?a=b", "https://x/nowhere?b"])
async def test_a_whole_url_of_nothing(api, target):
    problem = assert_problem(
        await answer_to(api, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n", ends=False), 404, "NOT_FOUND"
    )
    assert problem["instance"] == ("/nowhere" if "nowhere" in target else "/")


async def test_a_whole_url_without_a_path_is_the_server_to_options(api):
    async with connected(api) as (reader, writer):
        writer.write(b"OPTIONS http://x HTTP/1.1\r\nHost: x\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    assert head.startswith("HTTP/1.1 204")
    assert "GET" in head


@pytest.mark.parametrize("hosts", [[], ["x", "x"], ["a b"]])
async def test_a_whole_url_needs_a_host_all_the_same(api, hosts):
    """RFC 9112, 3.2: a server refuses a request without exactly one valid `Host`, whatever its target is."""
    sent = "".join(f"Host: {host}\r\n" for host in hosts)
    problem = assert_problem(
        await answer_to(api, f"GET http://x/health/live HTTP/1.1\r\n{sent}\r\n"), 400, "BAD_REQUEST"
    )
    assert problem["instance"] == "/health/live"


async def curl(api, *arguments: str, content: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--noproxy", "*", "--max-time", "60", "--data-binary", "@-", "--verbose"),
        *("--header", "Content-Type: application/json", "--header", f"Idempotency-Key: {uuid.uuid4().hex}"),
        *("--output", "/dev/null", "--write-out", "%{http_code}", *arguments, f"{api.url}{PATH}"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await process.communicate(content.encode())
    return int(out), said.decode()


@pytest.mark.parametrize("arguments", [[], ["--http2"], ["--http1.0"], ["--header", "Transfer-Encoding: chunked"]])
async def test_curl_sends_a_body_over_1_mb(api, arguments):
    status, said = await curl(api, *arguments, content=json.dumps(a_body() | {"padding": "x" * 1_500_000}))
    assert status == 202, said
    assert ("100 Continue" in said) == ("--http1.0" not in arguments)


async def test_curl_is_refused_before_it_sends_too_much(api, monkeypatch):
    """`--expect100-timeout`: how long curl waits before it sends the body unasked."""
    monkeypatch.setattr(api_body, "RECEIVE_SECONDS", 5.0)
    status, said = await curl(api, "--expect100-timeout", "30", content="x" * 9_000_000)
    assert status == 413, said
    assert "100 Continue" not in said

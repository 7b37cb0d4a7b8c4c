"""Bytes of a connection that are no body are bounded, and what is no HTTP of ours is refused like anything else."""

import asyncio
import contextlib
import json
import uuid

import pytest
import structlog
from answers import assert_problem, stored
from builders import a_body, a_stored_operation
from raw_http import LIVE, answer_to, connected, read_answer

from cli.http_protocol import MAX_FIELDS, MAX_FRAMING_BYTES

POST = "POST /rebalance/proposals/async HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = f"{POST}Idempotency-Key: k\r\nTransfer-Encoding: chunked\r\n\r\n"
LONG = 4 * MAX_FRAMING_BYTES
TOO_LARGE = (431, "REQUEST_HEADER_FIELDS_TOO_LARGE")


def a_long_head(size: int) -> str:
    before, after = f"{LIVE}X: ", "\r\n\r\n"
    return before + "x" * (size - len(before) - len(after)) + after


@pytest.mark.parametrize(
    "sent",
    [
        f"{LIVE}X: {'x' * LONG}",
        f"{LIVE}{'x' * LONG}",
        f"GET /{'x' * LONG}",
        "\r\n" * LONG,
        LIVE + "a:\r\n" * MAX_FIELDS + "\r\n",
        LIVE + "a:\r\n" * (MAX_FIELDS + 100),
        a_long_head(MAX_FRAMING_BYTES + 1),
        f"{CHUNKED}1;{'x' * LONG}",
        f"{CHUNKED}{'0' * LONG}",
        CHUNKED + "1\r\nx\r\n" * LONG,
        CHUNKED + "2\r\n{}\r\n0\r\n" + "a:\r\n" * LONG,
        CHUNKED + "2\r\n{}\r\n0\r\na:" + "x" * LONG,
    ],
    ids=[
        "value",
        "name",
        "url",
        "lines",
        "fields",
        "unfinished",
        "head",
        "extension",
        "size",
        "chunks",
        "trailers",
        "trailer",
    ],
)
async def test_what_is_sent_beside_a_body_is_bounded(api, database_dsn, sent):
    assert_problem(await answer_to(api, sent), *TOO_LARGE)
    assert stored(database_dsn) == 0


async def test_a_head_may_be_as_long_as_the_limit(api):
    assert (await answer_to(api, a_long_head(MAX_FRAMING_BYTES), ends=False)).status_code == 200
    many = LIVE + "a:\r\n" * (MAX_FIELDS - 1) + "\r\n"
    assert (await answer_to(api, many, ends=False)).status_code == 200


async def test_trailers_after_the_answer_end_the_connection(api):
    async with connected(api) as (reader, writer):
        writer.write(f"{LIVE}Transfer-Encoding: chunked\r\n\r\n0\r\n".encode())
        assert (await read_answer(reader)).status_code == 200
        with contextlib.suppress(ConnectionError):
            writer.write(b"a:\r\n" * LONG)
            assert await reader.read() == b""


async def test_a_body_is_not_counted_as_framing(api):
    async with connected(api) as (reader, writer):
        for number in range(3):
            body = json.dumps(a_body() | {"padding": "x" * 200_000}).encode()
            head = f"{POST}Idempotency-Key: {number}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
        assert [(await read_answer(reader)).status_code for _ in range(3)] == [202] * 3


async def test_trailers_are_no_headers(api, database_dsn):
    trailers = "2\r\n{}\r\n0\r\nIdempotency-Key: k\r\nX-Correlation-Id: of-a-trailer\r\n\r\n"
    answer = await answer_to(api, f"{POST}Transfer-Encoding: chunked\r\n\r\n{trailers}", ends=False)
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert ["header", "Idempotency-Key"] in [item["loc"] for item in problem["detail"]]
    assert problem["correlation_id"] != "of-a-trailer"
    assert stored(database_dsn) == 0


async def test_a_refusal_waits_for_the_answer_of_the_request_before(api, storage):
    operation = await a_stored_operation(storage)
    wait = f"GET /rebalance/proposals/operations/{operation.operation_id}?wait=1 HTTP/1.1\r\nHost: x\r\n\r\n"
    for refused in (f"{LIVE}{'x' * LONG}", CHUNKED + "0\r\n" + "a:\r\n" * LONG, "nonsense\r\n\r\n"):
        async with connected(api) as (reader, writer):
            writer.write((wait + refused).encode())
            assert (await read_answer(reader)).status_code == 200
            assert (await read_answer(reader)).status_code == (400 if refused.startswith("nonsense") else 431)
            assert await reader.read() == b""


async def test_nothing_follows_the_answer_that_closes(api):
    """uvicorn logs what an application fails to send; that would be an error of ours for each such client."""
    with structlog.testing.capture_logs() as logged:
        async with connected(api) as (reader, writer):
            writer.write(f"{LIVE}Connection: close\r\n\r\nnonsense\r\n\r\n".encode())
            assert (await read_answer(reader)).status_code == 200
            assert await reader.read() == b""
    assert [record["event"] for record in logged] == []


async def test_a_refused_request_is_not_told_to_go_on(api):
    """Two slow bodies hold the key, so that the third is refused before its turn, and its turn comes after that."""
    async with contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(connected(api)) for _ in range(2)]
        for _, writer in slow:
            writer.write(f"{POST}Idempotency-Key: k\r\nContent-Length: 9\r\n\r\n".encode())
        await asyncio.sleep(0.3)
        reader, writer = await stack.enter_async_context(connected(api))
        expecting = CHUNKED.removesuffix("\r\n") + "Expect: 100-continue\r\n\r\n"
        writer.write((expecting + "0\r\n" + "a:\r\n" * LONG).encode())
        assert_problem(await read_answer(reader), *TOO_LARGE)
        for _, writer in slow:
            writer.close()
        assert await reader.read() == b""


@pytest.mark.parametrize("hosts", [[], ["x", "x"], ["x", "y"], [""], ["a b"], ["a/b"], ["u@x"], ["x:port"], ["[::1"]])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_request_names_one_host(api, hosts, version):
    fields = "".join(f"Host: {host}\r\n" for host in hosts)
    answer = await answer_to(api, f"GET /health/live HTTP/{version}\r\n{fields}X-Correlation-Id: mine\r\n\r\n")
    problem = assert_problem(answer, 400, "BAD_REQUEST")
    assert (problem["instance"], problem["correlation_id"]) == ("/health/live", "mine")


@pytest.mark.parametrize("host", ["x", "a-b.example:443", "127.0.0.1:8000", "[::1]:8000", "proposal_api", "x:"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_hosts_that_are_hosts(api, host, version):
    sent = f"GET /health/live HTTP/{version}\r\nHost: {host}\r\n\r\n"
    assert (await answer_to(api, sent, ends=False)).status_code == 200


@pytest.mark.parametrize("line", ["GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9", "GET /", "PRI * HTTP/2.0"])
async def test_versions_of_http_that_are_not_spoken(api, line):
    assert_problem(await answer_to(api, f"{line}\r\nHost: x\r\n\r\n"), 505, "HTTP_VERSION_NOT_SUPPORTED")


@pytest.mark.parametrize("sent", ["\x16\x03\x01\r\n\r\n", f"{LIVE}Host : y\r\n\r\n", "GET / HTTP/11.1\r\n\r\n"])
async def test_bytes_that_are_no_request(api, sent):
    assert_problem(await answer_to(api, sent), 400, "BAD_REQUEST")


async def test_the_body_of_an_upgrade_is_no_request(api):
    hidden = f"{LIVE}\r\n"
    async with connected(api) as (reader, writer):
        head = f"{POST}Idempotency-Key: k\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: {len(hidden)}\r\n\r\n"
        writer.write(head.encode())
        await asyncio.sleep(0.2)
        writer.write(hidden.encode())
        assert (await read_answer(reader)).status_code == 422
        writer.write(f"{LIVE}Connection: close\r\n\r\n".encode())
        assert (await read_answer(reader)).status_code == 200
        assert await reader.read() == b""


async def test_a_request_that_waits_for_its_turn_takes_no_room(api, monkeypatch):
    monkeypatch.setattr("api.http.limits.MAX_UNREAD_BYTES", 27_200)
    content = json.dumps(a_body()).ljust(9_000)  # three of them leave no room for another
    key = uuid.uuid4().hex
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(8):
            _, writer = await stack.enter_async_context(connected(api))
            head = f"{POST}Idempotency-Key: {key}\r\nContent-Length: {len(content) + 1}\r\n\r\n"
            writer.write((head + content).encode())  # one byte is missing
        await asyncio.sleep(0.5)
        assert (await api.submit(a_body())).status_code == 202

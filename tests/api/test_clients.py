"""Clients that wait, go away, send slowly or never read: none of them costs the others anything."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator

import psycopg
import pytest
from builders import a_body, a_stored_operation
from operation_rows import insert_operations
from waiting import PATIENCE_SECONDS, until

from cli import http_protocol
from cli.api import UNACKNOWLEDGED_MILLISECONDS, _listen
from domain.errors import OperationCancelled, OperationTooExpensive
from domain.operation import OperationFailure
from runtime.engine_pool import EnginePool
from services.ending import end_failed
from storage.listener import TerminalListener

OPERATIONS = "/rebalance/proposals/operations"
CANCELLED = OperationFailure.of(OperationCancelled)


@pytest.fixture
def listeners(monkeypatch) -> list[TerminalListener]:
    """The listeners of the APIs that the test starts."""
    made: list[TerminalListener] = []
    build = TerminalListener.__init__

    def noted(listener, *args, **kwargs) -> None:
        build(listener, *args, **kwargs)
        made.append(listener)

    monkeypatch.setattr(TerminalListener, "__init__", noted)
    return made


def waits(operation_id: str) -> list[str]:
    body = json.dumps(a_body())
    return [
        f"GET {OPERATIONS}/{operation_id}?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET {OPERATIONS}/by-correlation/corr-1?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n",
        (
            "POST /rebalance/proposals HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ),
    ]


@pytest.mark.parametrize("wait", [0, 1, 2])
async def test_a_client_that_goes_away_frees_its_place(temporal_client, listeners, api, storage, wait):
    operation = await a_stored_operation(storage)
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(waits(operation.operation_id)[wait].encode())
    await until(lambda: listeners[0].subscriptions == 1)
    writer.close()
    await until(lambda: listeners[0].subscriptions == 0)


async def test_waiting_clients_are_all_woken_by_the_end(listeners, api, storage):
    operation = await a_stored_operation(storage)
    waiting = [
        asyncio.create_task(api.get(f"/operations/{which}", wait=20))
        for which in [operation.operation_id, "by-correlation/corr-1"] * 20
    ]
    await until(lambda: listeners[0].subscriptions == 40)
    await end_failed(storage, operation.operation_id, CANCELLED)
    began = time.monotonic()
    assert {answer.json()["status"] for answer in await asyncio.gather(*waiting)} == {"FAILED"}
    assert time.monotonic() - began < 15  # the wait alone takes 20; how fast it is on a quiet machine: bench/


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(http_protocol, "STALLED_SECONDS", 1.0)


async def connected_with(api, sent: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which this is there when the service takes it, however late a busy machine goes on."""
    connected = socket.create_connection(("127.0.0.1", api.port))
    connected.sendall(sent.encode())
    connected.setblocking(False)
    return await asyncio.open_connection(sock=connected)


@pytest.mark.parametrize("sent", ["", "GET /health/live HTTP/1.1\r\nHost:", "\r\n", "POST /rebal"])
@pytest.mark.parametrize("before", ["", "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_request_head_that_does_not_come(impatient, api, before, sent):
    reader, writer = await connected_with(api, before)
    if before:
        assert (await reader.readuntil(b'{"status":"ok"}')).startswith(b"HTTP/1.1 200")
    writer.write(sent.encode())
    # Without a byte it is a connection that is kept alive, and for longer than another one waits for its first head.
    is_kept_alive = before and not sent
    ends, further = await connected_with(api, "") if is_kept_alive else (reader, writer)
    with contextlib.suppress(ConnectionResetError):  # what was on its way when the connection ended
        assert await asyncio.wait_for(ends.read(1), PATIENCE_SECONDS) == b""
    assert not (is_kept_alive and reader.at_eof())
    for one in (writer, further):
        one.close()


async def test_a_request_head_that_comes_byte_by_byte(impatient, api):
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)

    async def trickle() -> None:
        for byte in b"GET /health/live HTTP/1.1\r\nX: " + b"x" * 1000:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)

    trickling = asyncio.create_task(trickle())
    with contextlib.suppress(ConnectionResetError):  # what was on its way when the connection ended
        assert await asyncio.wait_for(reader.read(1), 20) == b""
    trickling.cancel()
    writer.close()


async def test_a_request_head_without_an_end(impatient, api, monkeypatch):
    monkeypatch.setattr(http_protocol, "LINGER_SECONDS", 0.3)
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(b"GET /health/live HTTP/1.1\r\nX: ")
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        while True:  # without reading the refusal
            writer.write(b"x" * 10_000)
            await asyncio.wait_for(writer.drain(), 20)
            await asyncio.sleep(0)
    writer.close()


async def test_requests_that_do_not_wait_for_their_answers(listeners, api, storage):
    operation = await a_stored_operation(storage)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(waits(operation.operation_id)[0].encode() * 1000)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(1), 20) == b""
    writer.close()
    await until(lambda: listeners[0].subscriptions == 0)


async def test_a_wait_ends_with_its_connection_also_before_requests_that_wait_for_their_turn(listeners, api, storage):
    operation = await a_stored_operation(storage)
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(waits(operation.operation_id)[0].encode() * 3)
    await until(lambda: listeners[0].subscriptions == 1)
    writer.close()
    await until(lambda: listeners[0].subscriptions == 0, seconds=20)


async def test_many_requests_on_one_connection_are_no_long_head(api):
    for _ in range(40):
        assert (await api.get("/operations", created_by="x" * 5_000)).status_code == 200


LARGE_BYTES = 30_000_000


@pytest.fixture
async def asked_for_much(api, monkeypatch) -> AsyncIterator[socket.socket]:
    """A client that has asked for an answer of LARGE_BYTES."""

    async def answer(scope, receive, send):
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % LARGE_BYTES)]}
        )
        await send({"type": "http.response.body", "body": b"x" * LARGE_BYTES})

    monkeypatch.setattr("api.http.request_context.RequestContext.__call__", lambda _, *asgi: answer(*asgi))
    with socket.create_connection(("127.0.0.1", api.port)) as connected:
        connected.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(connected, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        yield connected


@pytest.fixture
def watched(monkeypatch) -> list[tuple[http_protocol.LimitingProtocol, int]]:
    """Answers that the service waits to send, and how much was unsent at its last look: the test says when it looks."""
    watched: list[tuple[http_protocol.LimitingProtocol, int]] = []
    monkeypatch.setattr(http_protocol.LimitingProtocol, "_watch_writing", lambda *watching: watched.append(watching))
    return watched


async def test_an_answer_is_sent_to_who_reads_it_slowly(watched, asked_for_much):
    """The service looks whenever something was read since its last look: it sees a reader that is fast enough."""
    received = looks = 0
    while received < LARGE_BYTES:
        chunk = await asyncio.get_running_loop().sock_recv(asked_for_much, 2_000_000)
        assert chunk
        received += len(chunk)
        await asyncio.sleep(0)
        if watched and watched[-1][0].transport.get_write_buffer_size() < watched[-1][1]:
            protocol, unsent = watched.pop()
            protocol._abort_if_stalled(unsent)
            looks += 1
    assert looks > 2


async def test_an_answer_is_not_sent_to_who_does_not_read_it(impatient, monkeypatch, asked_for_much):
    lost, lose = asyncio.Event(), http_protocol.LimitingProtocol.connection_lost

    def noted(protocol, failure) -> None:
        lose(protocol, failure)
        lost.set()

    monkeypatch.setattr(http_protocol.LimitingProtocol, "connection_lost", noted)
    await until(lost.is_set)
    received = 0
    while chunk := await asyncio.get_running_loop().sock_recv(asked_for_much, 1_000_000):
        received += len(chunk)
    assert received < LARGE_BYTES


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has it")
async def test_a_small_answer_that_is_never_read_ends_its_connection(monkeypatch):
    assert UNACKNOWLEDGED_MILLISECONDS == 30_000
    monkeypatch.setattr("cli.api.UNACKNOWLEDGED_MILLISECONDS", 500)
    listening = _listen("127.0.0.1", 0)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with listening, client:
        client.connect(listening.getsockname())
        accepted, _ = listening.accept()
        with accepted:
            accepted.setblocking(False)
            with pytest.raises(BlockingIOError):
                while True:
                    accepted.send(b"x" * 10_000)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not accepted.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    await asyncio.sleep(0.1)


def a_padded(body: dict, *, size: int = 300_000) -> str:
    """The same request in a body that is read in another process."""
    return json.dumps(body | {"padding": "x" * size})


async def post(api, content: str, **headers: str):
    sent = {"Content-Type": "application/json", "Idempotency-Key": "k"} | headers
    return await api.http.post("/rebalance/proposals/async", content=content, headers=sent)


async def test_a_large_body_means_what_a_small_one_means(api, worker):
    body = a_body(metadata={"title": "Buy A", "advisor_notes": "n", "jurisdiction": "SG", "mandate_id": "m"})
    small = await post(api, json.dumps(body))
    large = await post(api, a_padded(body))
    assert (small.status_code, large.status_code) == (202, 202)
    assert large.json()["operation_id"] == small.json()["operation_id"]
    other = await post(api, a_padded(body), **{"Idempotency-Key": "other"})
    made, same = [(await api.finished(answer.json()["operation_id"]))["result"] for answer in (small, other)]
    assert made["version"]["request_hash"] == same["version"]["request_hash"]
    for name in ("portfolio_id", "title", "jurisdiction", "mandate_id", "created_by"):
        assert made["proposal"][name] == same["proposal"][name]
    simulate = {"Content-Type": "application/json", "Idempotency-Key": "s"}
    answers = [
        await api.http.post("/rebalance/proposals/simulate", content=content, headers=simulate)
        for content in (json.dumps(body["simulate_request"]), a_padded(body["simulate_request"]))
    ]
    assert answers[0].content == answers[1].content


@pytest.mark.shared
@pytest.mark.parametrize(
    "broken",
    [
        "{x",
        "[" * 300_000,
        "[]",
        '{"created_by": "\\u0000"}',
        json.dumps(a_body(created_by=7, metadata={"title": 8})),
        json.dumps(a_body(unknown=0)).replace('"unknown": 0', f'"unknown": {"9" * 19}'),
        json.dumps(a_body()).replace('"quantity": "2"', '"quantity": 1.5'),
        json.dumps(a_body()).replace('"positions": [', '"positions": [{"instrument_id": "A", "quantity": "{x}"}, '),
        json.dumps(a_body()).replace('"prices": [', '"prices": [{"instrument_id":"A","price":"1","currency":"SGD"},'),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": ""}])
async def test_a_large_body_is_refused_with_the_same_words(api, broken, headers):
    refusals = [await post(api, content, **headers) for content in (broken, broken + " " * 300_000)]
    small, large = [{**refusal.json(), "correlation_id": ""} for refusal in refusals]
    assert [refusal.status_code for refusal in refusals] == [422, 422]
    assert small == large


@pytest.mark.shared
async def test_no_more_errors_are_listed_than_anybody_reads(api):
    body = json.dumps(a_body())
    for rows in (500, 50_000, 90_000):
        refused = await post(api, body.replace('"positions": [', '"positions": [' + "{}," * rows))
        assert len(refused.json()["detail"]) == min(2 * rows, 1000)
    constraints = ",".join(f'"{number}":0' for number in range(90_000))
    refused = await post(api, body.replace('"options": {', f'"options": {{"group_constraints":{{{constraints}}},'))
    assert len(refused.json()["detail"]) == 1  # of a client's own keys, which are not repeated to it


async def test_large_bodies_wait_for_a_slot_and_then_are_told_to_come_again(api, monkeypatch):
    monkeypatch.setattr("api.http.body.SLOT_WAIT_SECONDS", 0.2)
    reading, entered = asyncio.Event(), []

    async def slow(*_, **__):
        entered.append(1)
        await reading.wait()
        raise OperationTooExpensive

    monkeypatch.setattr(EnginePool, "run", slow)
    held = [
        asyncio.create_task(post(api, a_padded(a_body()), **{"Idempotency-Key": f"held-{number}"}))
        for number in range(2)
    ]
    await until(lambda: len(entered) == 2)
    busy = await post(api, a_padded(a_body()), **{"Idempotency-Key": "third"})
    assert (busy.status_code, busy.json()["code"], busy.headers["Retry-After"]) == (503, "SERVER_BUSY", "1")
    assert (await post(api, json.dumps(a_body()))).status_code == 202
    reading.set()
    assert [answer.json()["code"] for answer in await asyncio.gather(*held)] == ["OPERATION_TOO_EXPENSIVE"] * 2


async def test_bodies_that_never_come_keep_others_out_of_nothing(api):
    """They declare more than the whole room, and send a byte."""
    connections = [await asyncio.open_connection("127.0.0.1", api.port) for _ in range(80)]
    for number, (_, writer) in enumerate(connections):
        size = 8_388_608 if number % 10 == 0 else 262_144
        writer.write(
            "POST /rebalance/proposals/async HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {number}\r\nContent-Length: {size}\r\n\r\n{{".encode()
        )
    await asyncio.sleep(0.5)
    for number in range(5):
        for body in (json.dumps(a_body()), a_padded(a_body())):
            answer = await post(api, body, **{"Idempotency-Key": f"other-{number}-{len(body)}"})
            assert answer.status_code == 202
    for _, writer in connections:
        writer.close()


async def test_a_hundred_twins_are_one_operation(settings, serve, database_dsn):
    async with serve(settings) as first, serve(settings) as second:
        answers = await asyncio.gather(*(post(api, json.dumps(a_body())) for _ in range(50) for api in (first, second)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["operation_id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1


async def test_one_correlation_id_for_a_thousand_operations(api, database_dsn):
    insert_operations(database_dsn, 1000, correlations=1)
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE operations SET created_at = '2026-01-01 00:00:00+00'")
        made = connection.execute("SELECT operation_id FROM operations").fetchall()
    found = await api.get("/operations/by-correlation/corr_0")
    assert [found.json()["operation_id"]] == list(max(made))  # all are of the same moment, so that their ids decide

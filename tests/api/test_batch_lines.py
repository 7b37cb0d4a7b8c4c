"""The file of a batch's lines is read as fast as its client reads it, and holds nothing that others need."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

from batches import BatchSteps, a_market, a_portfolio, an_analysis, submitted
from waiting import PATIENCE_SECONDS

from api.http.answers import StreamedAnswer

NAMES = [f"I{number}" for number in range(60)]


def a_large_analysis(items: int) -> dict[str, Any]:
    """Of portfolios whose results have some 40 kB each."""
    market = {
        "prices": [{"instrument_id": name, "price": "5.00", "currency": "SGD"} for name in (*NAMES, "A")],
    }
    shelf = [{"instrument_id": name, "status": "APPROVED"} for name in (*NAMES, "A")]
    held = [{"instrument_id": name, "quantity": "10"} for name in NAMES]
    portfolio = a_portfolio(0)["portfolio_snapshot"] | {"positions": held}
    return an_analysis(
        *(a_portfolio(number, portfolio_snapshot=portfolio) for number in range(items)),
        shared=a_market() | {"market_data_snapshot": market, "shelf_entries": shelf},
    )


def large_answer_bytes(metrics: str) -> float:
    (line,) = [line for line in metrics.splitlines() if line.startswith("proposals_large_answer_bytes ")]
    return float(line.split()[1])


async def test_a_slow_reader_holds_no_connection_to_the_database(storage, settings, serve) -> None:
    operation = await submitted(storage, a_large_analysis(250))
    assert (await BatchSteps(storage).analyze(operation.operation_id)).is_done
    path = f"/rebalance/proposals/operations/{operation.operation_id}"
    async with serve(settings.model_copy(update={"database_pool_size": 1})) as api:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", api.port))
        head = f"GET {path}/runs HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\n\r\n"
        slow.sendall(head.encode())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not large_answer_bytes((await api.http.get("/metrics")).text):  # until its answer has begun
                await asyncio.sleep(0.05)
            for _ in range(20):
                assert (await api.http.get(path)).status_code == 200
            # The API's own rounds use the connection for moments.
            while "proposals_database_pool_in_use 0.0" not in (metrics := (await api.http.get("/metrics")).text):
                await asyncio.sleep(0.05)
        assert 0 < large_answer_bytes(metrics) < 5_000_000  # room for a chunk, not for all of them
        slow.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while large_answer_bytes((await api.http.get("/metrics")).text):
                await asyncio.sleep(0.1)


class Stream:
    """Pieces that are counted as they are read."""

    def __init__(self, pieces: int) -> None:
        self._pieces = pieces
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._pieces):
            self.read += 1
            yield b"x" * 10


async def never() -> dict[str, Any]:
    await asyncio.Event().wait()
    return {}


async def test_a_piece_is_read_when_the_one_before_was_sent() -> None:
    stream, sent, gate = Stream(5), list[dict[str, Any]](), asyncio.Semaphore(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        await gate.acquire()

    answering = asyncio.create_task(
        StreamedAnswer(stream, "text/plain", headers={})({}, never, send)  # type: ignore[arg-type]  # it is iterated alone
    )
    for number in range(6):
        await asyncio.sleep(0.02)
        assert (len(sent), stream.read) == (number + 1, number)
        gate.release()
    gate.release()
    await answering
    assert b"".join(message.get("body", b"") for message in sent) == b"x" * 50
    assert sent[-1] == {"type": "http.response.body", "body": b""}


async def test_a_client_that_leaves_ends_the_reading() -> None:
    stream = Stream(10**9)
    left = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(_: dict[str, Any]) -> None:
        if stream.read == 3:
            left.set()

    async with asyncio.timeout(PATIENCE_SECONDS):
        await StreamedAnswer(stream, "text/plain", headers={})({}, receive, send)  # type: ignore[arg-type]  # as above
    assert stream.read < 1000


async def test_a_head_is_answered_without_reading_anything() -> None:
    stream, sent = Stream(5), list[dict[str, Any]]()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await StreamedAnswer(stream, "text/plain", headers={})({"only_head": True}, never, send)  # type: ignore[arg-type]  # as above
    assert (stream.read, len(sent)) == (0, 2)

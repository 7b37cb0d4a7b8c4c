"""Large answers share the room of their process: more readers than there is room for wait, or are refused."""

import asyncio
import contextlib
import hashlib
import re
import threading
from collections.abc import AsyncIterator

import pytest
from answers import assert_problem
from builders import a_body, a_large_body
from waiting import PATIENCE_SECONDS, until

from api.http.limits import AnswerRoom, LargeAnswers
from api.pages import artifacts
from domain.errors import ServerBusy
from services import documents

ROOM = 3_500_000  # for two of the largest answers about LARGE
LARGE = a_large_body(1_500)
READERS = 5


class NotedAnswers(LargeAnswers):
    """Notes the most that was held at once, how many wait, and whose thread the event loop is."""

    def __init__(self, *, wait_seconds: float) -> None:
        super().__init__(max_bytes=ROOM, wait_seconds=wait_seconds)
        self.most = self.asking = 0
        self.loop_thread = threading.get_ident()

    async def add(self, size: int) -> None:
        self.asking += 1
        try:
            await super().add(size)
        finally:
            self.asking -= 1
        self.most = max(self.most, self.size)


@pytest.fixture
async def answers(monkeypatch, settings, temporal_client, serve, request) -> AsyncIterator[tuple]:
    """An API with little room, and its room."""
    room = NotedAnswers(wait_seconds=getattr(request, "param", 60.0))
    monkeypatch.setattr("api.services.LargeAnswers", lambda: room)
    # Computed beside the requests and in no process of its own: what is tried here comes after that.
    async with serve(settings.model_copy(update={"large_request_rows": 100_000})) as api:
        yield api, room


async def created(api, body) -> tuple[str, str]:
    """The path of the proposal that this body makes, and the path of its operation."""
    operation = (await api.submit(body)).json()["status_url"]
    ended: dict = {}
    while not ended.get("finished_at"):
        ended = (await api.http.get(operation, params={"wait": 20, "include_result": False})).json()
    return f"/rebalance/proposals/{ended['proposal_id']}", operation


@contextlib.asynccontextmanager
async def stalled(api, path: str) -> AsyncIterator[None]:
    """A client that asks, reads the beginning of the answer and then no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=1024)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert b"200" in await reader.readline()
    try:
        yield
    finally:
        writer.transport.abort()


async def test_parallel_readers_hold_no_more_than_the_room_and_all_get_their_bytes(answers, worker):
    api, room = answers
    path, operation = await created(api, LARGE)
    for asked in (f"{path}/versions/1/artifact", path, f"{path}/versions/1", operation):
        room.most = 0
        found = await asyncio.gather(*(api.http.get(asked) for _ in range(READERS)))
        assert [answer.status_code for answer in found] == [200] * READERS
        assert len({hashlib.sha256(answer.content).digest() for answer in found}) == 1
        assert documents.LARGE_BYTES < room.most <= ROOM, asked
        await until(lambda: room.size == 0)
    page = await api.http.get(f"{path}/versions/1/artifact", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["ETag"]) == (200, f'W/"{hashlib.sha256(page.content).hexdigest()}"')
    await until(lambda: room.size == 0)


@pytest.mark.parametrize("answers", [0.5], indirect=True)
async def test_those_without_room_are_refused_and_small_answers_pass(answers, worker, monkeypatch):
    api, room = answers
    small, _ = await created(api, a_body())
    large, _ = await created(api, a_large_body(9_000))
    monkeypatch.setattr(room, "_max_bytes", 1)
    async with stalled(api, large):
        refused = await asyncio.gather(*(api.http.get(large) for _ in range(READERS)))
        for answer in refused:
            assert_problem(answer, 503, "SERVER_BUSY")
            assert answer.headers["Retry-After"] == "1"
        held = room.size
        assert held > documents.LARGE_BYTES
        assert (await api.http.get(small)).status_code == 200
        (shown,) = re.findall(
            r"^proposals_large_answer_bytes (.*)$", (await api.http.get("/metrics")).text, re.MULTILINE
        )
        assert float(shown) == held
    await until(lambda: room.size == 0)
    assert (await api.http.get(large)).status_code == 200


async def test_a_client_that_leaves_gives_up_its_place_or_its_room(answers, worker, monkeypatch):
    api, room = answers
    large, _ = await created(api, a_large_body(9_000))
    monkeypatch.setattr(room, "_max_bytes", 1)
    async with stalled(api, large):
        waiting = [asyncio.create_task(api.http.get(large)) for _ in range(2)]
        await until(lambda: room.asking == 2)
        waiting[0].cancel()
        await until(lambda: room.asking == 1)
        assert not waiting[1].done()
    assert (await waiting[1]).status_code == 200
    await until(lambda: room.size == 0)


async def test_a_simulation_and_its_replay_take_room(answers):
    api, room = answers
    for path in ("/artifact", "/simulate"):
        for replayed in (None, "true"):
            room.most = 0
            answer = await api.post(path, LARGE["simulate_request"], **{"Idempotency-Key": path})
            assert (answer.status_code, answer.headers.get("Idempotent-Replayed")) == (200, replayed)
            assert room.most > documents.LARGE_BYTES
    await until(lambda: room.size == 0)


async def test_large_documents_are_decompressed_and_hashed_beside_the_event_loop(answers, monkeypatch):
    api, room = answers
    threads = []

    def noted(function):
        def run(*given):
            threads.append(threading.get_ident())
            return function(*given)

        return run

    monkeypatch.setattr(documents, "decompressed", noted(documents.decompressed))
    answer = await api.post("/artifact", LARGE["simulate_request"], **{"Idempotency-Key": "k"})
    assert answer.status_code == 200
    monkeypatch.setattr(artifacts, "_hash_at_once", noted(artifacts._hash_at_once))
    assert await artifacts._hash_of([answer.content]) == hashlib.sha256(answer.content).hexdigest()
    assert len(threads) == 4
    assert room.loop_thread not in threads


async def test_one_answer_alone_may_be_larger_than_the_room_and_the_others_come_in_their_order():
    answers = LargeAnswers(max_bytes=10)
    first = AnswerRoom(answers)
    await first.take(100)
    entered = []

    async def one(size: int) -> None:
        room = AnswerRoom(answers)
        await room.take(size)
        entered.append((size, answers.size))
        await asyncio.sleep(0)
        room.give_back()

    async with asyncio.TaskGroup() as group:
        for size in (9, 1, 2, 50, 3):
            group.create_task(one(size))
        await asyncio.sleep(0.01)
        assert entered == []
        first.give_back()
    assert [size for size, _ in entered] == [9, 1, 2, 50, 3]
    assert all(held <= 10 or held == size for size, held in entered)
    assert answers.size == 0


async def test_a_request_that_leaves_while_it_waits_takes_no_room():
    answers = LargeAnswers(max_bytes=10)
    first, second = AnswerRoom(answers), AnswerRoom(answers)
    await first.take(10)
    leaving, waiting = (asyncio.create_task(AnswerRoom(answers).take(5)), asyncio.create_task(second.take(6)))
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    first.give_back()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await waiting
    assert answers.size == 6
    second.give_back()
    assert answers.size == 0


async def test_a_request_waits_only_so_long():
    answers = LargeAnswers(max_bytes=10, wait_seconds=0.05)
    await AnswerRoom(answers).take(10)
    for _ in range(2):
        with pytest.raises(ServerBusy):
            await AnswerRoom(answers).take(10)
    assert answers.size == 10

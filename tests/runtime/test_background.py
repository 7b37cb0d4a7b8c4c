import asyncio

import pytest
import structlog
from psycopg.errors import AdminShutdown, UndefinedColumn
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import StorageUnavailable
from runtime import background as loops
from runtime.background import background
from runtime.issuer_keys import IssuerKeys

OUTAGES = (
    StorageUnavailable(),
    AdminShutdown(),
    ConnectionRefusedError(),
    TimeoutError(),
    RPCError("away", RPCStatusCode.UNAVAILABLE, b""),
)
BUGS = (RuntimeError("a text"), UndefinedColumn("a text"), RPCError("a text", RPCStatusCode.INVALID_ARGUMENT, b""))


class Rounds:
    """A loop whose first rounds fail."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.ended = asyncio.Event()

    async def one(self) -> float:
        if self.failures:
            raise self.failures.pop(0)
        self.ended.set()
        return 0.01


@pytest.fixture(autouse=True)
def soon(monkeypatch) -> None:
    monkeypatch.setattr(loops, "BACK_OFF_SECONDS", 0.01)


async def test_a_loop_goes_on_after_a_bug_which_is_logged():
    rounds = Rounds(*BUGS)
    with structlog.testing.capture_logs() as logged:
        async with background(rounds.one, name="counting"):
            await asyncio.wait_for(rounds.ended.wait(), 20)
    assert logged == [{"event": "loop_failed", "loop": "counting", "exc_info": True, "log_level": "error"}] * len(BUGS)


async def test_an_outage_is_no_error_of_a_loop():
    rounds = Rounds(*OUTAGES)
    with structlog.testing.capture_logs() as logged:
        async with background(rounds.one, name="counting"):
            await asyncio.wait_for(rounds.ended.wait(), 20)
    assert [(line["event"], line["log_level"]) for line in logged] == [("loop_waits", "debug")] * len(OUTAGES)


async def test_a_loop_waits_longer_after_each_bug_and_not_after_an_outage(monkeypatch):
    pauses: list[float] = []
    is_over = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 10:
            is_over.set()
            await is_over.wait()
            await asyncio.Event().wait()

    monkeypatch.setattr(loops, "BACK_OFF_SECONDS", 1.0)
    rounds = Rounds(*[RuntimeError()] * 6, StorageUnavailable(), RuntimeError())
    monkeypatch.setattr(loops.asyncio, "sleep", sleep)
    async with background(rounds.one, name="counting"):
        await is_over.wait()
    assert pauses == [1, 2, 4, 8, 16, 16, 1, 16, 0.01, 0.01]


async def test_a_loop_ends_with_its_block():
    rounds = Rounds()
    with pytest.raises(LookupError):
        async with background(rounds.one, name="counting"):
            await asyncio.wait_for(rounds.ended.wait(), 20)
            raise LookupError
    assert "counting" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_keys_are_fetched_again_after_a_bug():
    fetched = asyncio.Event()
    failures: list[Exception] = [RuntimeError()]

    async def load() -> bytes:
        if failures:
            raise failures.pop()
        fetched.set()
        return b'{"keys": []}'

    async with IssuerKeys(load, refresh_seconds=60).running():
        await asyncio.wait_for(fetched.wait(), 20)

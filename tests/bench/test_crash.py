"""What is promised, killed and counted, with a service that keeps or loses what it is told to."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bench import measuring
from bench.load import closed_loop
from bench.measuring import QUICK, crashed

PLAN = replace(QUICK, crash=40, silence=0.2)


class FakeService:
    """Does each accepted create so many times, but none that was accepted before the crash if it `forgets`."""

    def __init__(self, *, times: int = 1, forgets: bool = False) -> None:
        self.is_up = True
        self.starts = 0
        self.done: Counter[str] = Counter()
        self.accepted: list[str] = []
        self._times = times
        self._forgets = forgets

    def connect(self):
        @asynccontextmanager
        async def connected(number):
            yield self

        return connected

    async def submit(self, mark: str) -> str:
        await asyncio.sleep(0)
        if not self.is_up:
            raise ConnectionError
        self.accepted.append(mark)
        if self.starts or not self._forgets:
            self.done[mark] += self._times
        return mark

    async def finish(self, accepted: str) -> None:
        return

    async def start(self) -> None:
        self.is_up = True
        self.starts += 1

    async def finished(self, marks):
        return Counter({mark: self.done[mark] for mark in marks if self.done[mark]})


@pytest.fixture(autouse=True)
def kill(monkeypatch):
    monkeypatch.setattr(measuring, "kill", lambda subject: setattr(subject, "is_up", False))


async def test_a_service_that_keeps_its_promises_loses_and_doubles_nothing():
    service = FakeService()
    crash = await crashed(service, PLAN)
    assert (crash.lost, crash.doubled, service.starts) == (0, 0, 1)
    assert crash.promised == len(service.accepted) == len(set(service.accepted))
    assert crash.promised > PLAN.crash // 2  # killed while others were sending


async def test_what_was_promised_and_never_ends_is_lost():
    service = FakeService(forgets=True)
    crash = await crashed(service, PLAN)
    assert crash.lost == len(service.accepted) - len(service.done) >= PLAN.crash // 2
    assert crash.doubled == 0


async def test_what_ends_twice_is_doubled():
    crash = await crashed(FakeService(times=2), PLAN)
    assert (crash.lost, crash.doubled) == (0, crash.promised)


async def test_a_closed_loop_makes_so_many_creates_each_once():
    service = FakeService()
    made = await closed_loop(service.connect(), clients=7, count=40)
    assert len(made) == len({create.mark for create in made}) == 40
    assert set(service.done.values()) == {1}

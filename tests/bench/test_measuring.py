from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from bench_samples import SAMPLE

from bench import measuring
from bench.measuring import QUICK, measured
from bench.results import Crash

CRASH = Crash(promised=10, lost=0, doubled=0, seconds=1.0)


@pytest.fixture
def tries(monkeypatch):
    """What others take in each try of a round; those that were made are removed."""
    left: list[float] = []

    @asynccontextmanager
    async def running(make):
        yield make

    async def sampled(subject, plan):
        foreign = left.pop(0)
        return replace(SAMPLE, foreign=foreign, is_disturbed=foreign > 0.2)

    async def crashed(subject, plan):
        return CRASH

    monkeypatch.setattr(measuring, "running", running)
    monkeypatch.setattr(measuring, "sampled", sampled)
    monkeypatch.setattr(measuring, "crashed", crashed)
    return left


async def test_a_row_is_repeated_when_it_was_disturbed(tries):
    tries += [0.9, 0.3, 0.1, 0.0]
    sample, _ = await measured(None, replace(QUICK, repeats=3), with_crash=False)
    assert sample.foreign == 0.1
    assert tries == [0.0]


async def test_a_quiet_row_is_measured_once(tries):
    tries += [0.2, 0.0]
    sample, crash = await measured(None, replace(QUICK, repeats=3), with_crash=True)
    assert sample.foreign == 0.2
    assert tries == [0.0]
    assert crash == CRASH


async def test_the_calmest_of_disturbed_tries_counts_and_says_so(tries):
    tries += [0.9, 0.4, 0.6]
    sample, _ = await measured(None, replace(QUICK, repeats=2), with_crash=False)
    assert (sample.foreign, sample.is_disturbed) == (0.4, True)
    assert tries == []

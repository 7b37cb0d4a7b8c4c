"""One round of one row: fresh servers, one create in flight, many clients at once, and at last the crash."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.load import Connect, Create, closed_loop, milliseconds, submit_until_killed
from bench.machine import Meter, Usage, peak_megabytes
from bench.results import Crash, Sample
from bench.subjects import Subject, kill

CLIENTS: Final = 40
WARM_UP: Final = 20
CRASH_CLIENTS: Final = 20
POLL_SECONDS: Final = 0.25

Make = Callable[[Path], Subject]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How much of everything; `silence` is how many seconds without another end mean that no more will come."""

    rounds: int = 3
    one_in_flight: int = 60
    saturating: int = 400
    passes: int = 2
    repeats: int = 3
    crash: int = 200
    silence: float = 15.0


FULL: Final = Plan()
QUICK: Final = Plan(rounds=1, one_in_flight=20, saturating=160, passes=1, repeats=0, crash=60, silence=8.0)


async def measured(make: Make, plan: Plan, *, with_crash: bool) -> tuple[Sample, Crash | None]:
    """The sample of a round, repeated while others disturb it: the calmest of the tries."""
    best: Sample | None = None
    crash = None
    for _ in range(plan.repeats + 1):
        async with running(make) as subject:
            sample = await sampled(subject, plan)
            if with_crash and crash is None:
                crash = await crashed(subject, plan)
        best = sample if best is None or sample.foreign < best.foreign else best
        if not sample.is_disturbed:
            break
        print(f"  others took {sample.foreign:.0%} of a core", file=sys.stderr)
    assert best is not None  # noqa: S101 -- a plan has no fewer than no repeats
    return best, crash


@contextlib.asynccontextmanager
async def running(make: Make) -> AsyncIterator[Subject]:
    with TemporaryDirectory(prefix="proposals-bench-") as folder:
        subject = make(Path(folder))
        try:
            await subject.start()
            yield subject
        finally:
            await asyncio.to_thread(subject.stop)


async def warm_up(connect: Connect) -> None:
    await closed_loop(connect, clients=4, count=WARM_UP)


async def sampled(subject: Subject, plan: Plan) -> Sample:
    connect, roles = subject.connect(), subject.roles()
    await warm_up(connect)
    calm = Meter(roles)
    single = await closed_loop(connect, clients=1, count=plan.one_in_flight)
    usages = [calm.read()]
    rates, cpu = [], dict.fromkeys(roles, 0.0)
    for _ in range(plan.passes):
        meter, began = Meter(roles), time.perf_counter()
        made = await closed_loop(connect, clients=CLIENTS, count=plan.saturating)
        rates.append(len(made) / (time.perf_counter() - began))
        usages.append(meter.read())
        cpu = {role: spent + usages[-1].cpu[role] for role, spent in cpu.items()}
    creates = plan.passes * plan.saturating
    return Sample(
        rate=sum(rates) / len(rates),
        submit_p50=milliseconds([create.submit for create in single]),
        submit_p99=milliseconds([create.submit for create in single], percentile=99),
        done_p50=milliseconds([create.done for create in single]),
        woken_p50=await woken(subject, single),
        cpu={role: spent * 1000 / creates for role, spent in cpu.items()},
        memory={role: peak_megabytes(tops) for role, tops in roles.items()},
        foreign=max(usage.foreign for usage in usages),
        is_disturbed=any(map(Usage.is_disturbed.fget, usages)),
    )


async def woken(subject: Subject, creates: list[Create]) -> float | None:
    ends = await subject.ends([create.mark for create in creates])
    if not ends:
        return None
    return milliseconds([create.answered_at - ends[create.mark] for create in creates])


async def crashed(subject: Subject, plan: Plan) -> Crash:
    """Clients whose submission was not answered send it again, as a client of a bank's must."""
    promises = await submit_until_killed(
        subject.connect(),
        clients=CRASH_CLIENTS,
        count=plan.crash,
        kill_after=plan.crash // 2,
        kill=partial(asyncio.to_thread, kill, subject),
    )
    await subject.start()
    began = time.monotonic()
    connect = subject.connect()
    async with connect(0) as client:
        for mark in promises.unanswered:
            await client.submit(mark)
    marks = [*promises.accepted, *promises.unanswered]
    changed_at, done = began, await subject.finished(marks)
    while len(done) < len(marks) and time.monotonic() - changed_at < plan.silence:
        await asyncio.sleep(POLL_SECONDS)
        now = await subject.finished(marks)
        if now != done:
            changed_at, done = time.monotonic(), now
    return Crash(
        promised=len(marks),
        lost=sum(mark not in done for mark in marks),
        doubled=sum(count > 1 for count in done.values()),
        seconds=changed_at - began,
    )

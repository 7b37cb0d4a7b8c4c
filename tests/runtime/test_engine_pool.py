"""What a computation may cost, and whom it does not harm."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from multiprocessing import process as process_module
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from computations import (
    computed_by,
    fail,
    length,
    note_and_die,
    note_and_hang,
    once_there,
    oom_score,
    slowly,
    stop_in_the_middle_of_the_result,
    take,
)
from waiting import PATIENCE_SECONDS, until

from domain.errors import OperationTooExpensive, ServerBusy
from runtime.engine_pool import EnginePool
from runtime.engine_process import EngineProcess

MEMORY_MB = 256


@pytest.fixture
async def pool() -> AsyncIterator[EnginePool]:
    async with EnginePool(1, seconds=PATIENCE_SECONDS, memory_mb=MEMORY_MB).running() as pool:
        yield pool


@pytest.fixture
async def impatient_pool() -> AsyncIterator[EnginePool]:
    """For calls that never end, and such that need milliseconds: these processes let all others go first."""
    async with EnginePool(1, seconds=3, memory_mb=MEMORY_MB).running() as pool:
        yield pool


def is_there(pid: int) -> bool:
    """A process that the parent has not waited for yet is none any more."""
    try:
        return "Z (zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone(pid: int) -> bool:
    return await until(lambda: not is_there(pid))


def pids_in(notes: Path) -> list[int]:
    return [int(line) for line in notes.read_text().split()] if notes.exists() else []


async def noted(notes: Path) -> list[int]:
    while not (pids := pids_in(notes)):
        await asyncio.sleep(0.02)
    return pids


async def test_one_process_computes_again_and_again_and_passes_on_what_is_raised(pool):
    first = await pool.run(computed_by)
    with pytest.raises(KeyError, match="what is wrong"):
        await pool.run(fail)
    assert await pool.run(computed_by) == first != os.getpid()


@pytest.mark.parametrize("work", [note_and_hang, note_and_die])
async def test_what_takes_too_long_or_dies_is_tried_once_more_in_another_process_and_then_refused(
    impatient_pool, work, tmp_path
):
    with pytest.raises(OperationTooExpensive):
        await impatient_pool.run(work, tmp_path / "notes")
    pids = await noted(tmp_path / "notes")
    assert len(pids) == len(set(pids)) == 2
    assert [await gone(pid) for pid in pids] == [True, True]
    assert await impatient_pool.run(take, 1) == 1 << 20


async def test_what_takes_too_much_memory_is_refused(pool):
    with pytest.raises(OperationTooExpensive):
        await pool.run(take, MEMORY_MB)
    assert await pool.run(take, MEMORY_MB // 4) == MEMORY_MB // 4 << 20


async def test_where_memory_runs_out_the_kernel_takes_what_computes_and_not_what_serves(pool):
    assert await pool.run(oom_score) == 1000 > oom_score()


async def test_what_is_ended_takes_no_neighbour_with_it(tmp_path):
    async with EnginePool(2, seconds=PATIENCE_SECONDS, memory_mb=MEMORY_MB).running() as pool:
        innocent = asyncio.create_task(pool.run(once_there, tmp_path / "over", 7))
        with pytest.raises(OperationTooExpensive):
            await pool.run(note_and_die, tmp_path / "notes")
        assert not innocent.done()
        (tmp_path / "over").touch()
        assert await innocent == 7


async def test_a_caller_that_leaves_ends_its_computation_and_makes_room(tmp_path):
    async with EnginePool(1, seconds=300, memory_mb=MEMORY_MB).running() as pool:
        left = asyncio.create_task(pool.run(note_and_hang, tmp_path / "notes"))
        waiting = asyncio.create_task(pool.run(take, 1))
        also_left = asyncio.create_task(pool.run(take, 2))
        (pid,) = await noted(tmp_path / "notes")
        for task in (also_left, left):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert await waiting == 1 << 20
        assert not is_there(pid)
        assert pids_in(tmp_path / "notes") == [pid]


async def test_what_was_ended_once_lets_others_go_first(pool, tmp_path):
    ended: list[str] = []

    async def one(name: str, *work) -> None:
        with suppress(OperationTooExpensive):
            await pool.run(*work)
        ended.append(name)

    async with asyncio.TaskGroup() as group:  # all have asked before the first process is there
        group.create_task(one("expensive", note_and_die, tmp_path / "notes"))
        for number in range(3):
            group.create_task(one(f"other {number}", take, 1))
    assert ended == ["other 0", "other 1", "other 2", "expensive"]


async def test_an_idle_process_that_died_is_nobodys_fault(pool):
    pid = await pool.run(computed_by)
    os.kill(pid, signal.SIGKILL)
    assert await gone(pid)
    assert await pool.run(computed_by) != pid


async def test_the_processes_end_with_the_pool():
    async with EnginePool(1, seconds=60, memory_mb=MEMORY_MB).running() as pool:
        pid = await pool.run(computed_by)
    assert await gone(pid)


async def test_a_process_that_has_stopped_is_replaced_when_it_does_not_take_all_of_a_call(impatient_pool, monkeypatch):
    monkeypatch.setattr("runtime.engine_process.START_SECONDS", 5)
    stopped = await impatient_pool.run(computed_by)
    os.kill(stopped, signal.SIGSTOP)
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await impatient_pool.run(length, bytes(4 << 20)) == 4 << 20
    assert await gone(stopped)


async def test_a_process_that_stops_in_the_middle_of_its_result_is_ended(impatient_pool, monkeypatch):
    monkeypatch.setattr("runtime.engine_process.START_SECONDS", 5)
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(OperationTooExpensive):
            await impatient_pool.run(stop_in_the_middle_of_the_result)
    assert await impatient_pool.run(take, 1) == 1 << 20


async def test_a_caller_waits_for_its_turn_no_longer_than_it_may(tmp_path):
    async with EnginePool(1, seconds=300, memory_mb=MEMORY_MB, turn_seconds=0.5).running() as pool:
        computing = asyncio.create_task(pool.run(note_and_hang, tmp_path / "notes"))
        await noted(tmp_path / "notes")
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises(ServerBusy):
                await pool.run(take, 1)
        computing.cancel()
        await asyncio.gather(computing, return_exceptions=True)
    async with EnginePool(1, seconds=300, memory_mb=MEMORY_MB).running() as pool:
        slow = asyncio.create_task(pool.run(slowly, 7))
        await asyncio.sleep(0)
        assert await pool.run(take, 1) == 1 << 20  # a step of the worker waits for as long as it takes
        assert await slow == 7


def test_a_process_starts_while_another_one_is_closed(monkeypatch):
    closing = threading.Event()
    close = BaseProcess.close

    def close_slowly(process):
        # As in the middle of `close`, after a `start` of another thread has taken the child's status from `join`.
        process_module._children.add(process)
        popen, process._popen = process._popen, None
        closing.set()
        time.sleep(0.5)
        process._popen = popen
        close(process)

    monkeypatch.setattr(BaseProcess, "close", close_slowly)
    first, second = (EngineProcess(seconds=300, memory_mb=MEMORY_MB) for _ in range(2))
    first.thread.submit(first.compute, partial(take, 1)).result()
    ending = first.thread.submit(first._end)
    closing.wait()
    assert second.thread.submit(second.compute, partial(take, 1)).result() == 1 << 20
    ending.result()
    second.close()

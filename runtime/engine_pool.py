"""Processes for expensive computations, each within limits of time and memory, none at the expense of another."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final, TypeVar

import structlog

from domain.errors import OperationTooExpensive, ServerBusy
from runtime.engine_process import ComputationEnded, EngineProcess

TRIES: Final = 2

Result = TypeVar("Result")

log = structlog.get_logger(__name__)


class EnginePool:
    """One computation a process at a time: one that must be ended takes its own process with it and no other."""

    def __init__(self, processes: int, *, seconds: float, memory_mb: int, turn_seconds: float | None = None) -> None:
        """Without `turn_seconds` a caller waits for its turn as long as it takes."""
        self._seconds = seconds
        self._turn_seconds = turn_seconds
        self._processes = [EngineProcess(seconds=seconds, memory_mb=memory_mb) for _ in range(processes)]
        self._free = list(self._processes)
        self._waiting: list[tuple[float, int, asyncio.Future[EngineProcess]]] = []
        self._numbers = count()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["EnginePool"]:
        try:
            yield self
        finally:
            for process in self._processes:
                process.close()

    async def run(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """The function's result, computed in another process; function and arguments are pickled.

        Raises OperationTooExpensive when that process was ended, or crashed, twice. A caller that is cancelled ends
        the computation. Raises ServerBusy when no process was free in time.
        """
        reason = None
        for number in range(TRIES):
            try:
                return await self._compute(partial(function, *args, **kwargs), is_again=number > 0)
            except ComputationEnded as ended:
                reason = ended.reason
                log.warning("computation_ended", reason=reason, is_again=number > 0)
        raise OperationTooExpensive(reason)

    async def _compute(self, call: Callable[[], Result], *, is_again: bool) -> Result:
        process = await self._turn(is_again=is_again)
        process.take()
        computing = asyncio.get_running_loop().run_in_executor(process.thread, process.compute, call)
        computing.add_done_callback(partial(self._computed, process))
        try:
            return await asyncio.shield(computing)
        except asyncio.CancelledError:
            process.give_up()
            raise

    def _computed(self, process: EngineProcess, computing: "asyncio.Future[Any]") -> None:
        if not computing.cancelled():
            computing.exception()  # retrieved, or asyncio logs it when its caller has left
        self._release(process)

    async def _turn(self, *, is_again: bool) -> EngineProcess:
        """A free process. A second try waits as if it had come later, by the time that it may take again."""
        if self._free and not self._waiting:
            return self._free.pop()
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[EngineProcess] = loop.create_future()
        due = loop.time() + (self._seconds if is_again else 0)
        heappush(self._waiting, (due, next(self._numbers), turn))
        try:
            async with asyncio.timeout(self._turn_seconds):
                return await turn
        except (asyncio.CancelledError, TimeoutError) as ended:
            if turn.done() and not turn.cancelled():
                self._release(turn.result())
            if isinstance(ended, TimeoutError):
                raise ServerBusy from None
            raise

    def _release(self, process: EngineProcess) -> None:
        while self._waiting:
            turn = heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(process)
                return
        self._free.append(process)

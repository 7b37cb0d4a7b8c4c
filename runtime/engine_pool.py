"""Processes that compute large requests, so that neither event loop nor interpreter lock stands still meanwhile."""

import asyncio
import ctypes
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar

import structlog

PR_SET_PDEATHSIG: Final = 1
NICENESS: Final = 10  # a large request takes seconds anyway, and is not to take them from the small ones

Result = TypeVar("Result")

log = structlog.get_logger(__name__)


class EnginePool:
    """A pool that replaces itself when one of its processes dies."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._executor: ProcessPoolExecutor | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["EnginePool"]:
        try:
            yield self
        finally:
            if self._executor is not None:
                self._executor.shutdown(wait=False, cancel_futures=True)

    async def run(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """The function's result, computed in another process; function and arguments are pickled.

        Raises BrokenProcessPool when that process dies; the next call finds a fresh pool.
        """
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self._processes, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare_process
            )
        executor = self._executor
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, partial(function, *args, **kwargs))
        except BrokenProcessPool:
            if self._executor is executor:
                self._executor = None
                executor.shutdown(wait=False, cancel_futures=True)
                log.error("engine_pool_broken")  # noqa: TRY400 -- the caller judges the exception
            raise


def _prepare_process() -> None:
    """A child outlives a kill -9 of its parent unless the kernel is told; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    gc.freeze()

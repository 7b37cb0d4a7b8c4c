"""One process that computes, seen from both sides of the pipe to it."""

import ctypes
import gc
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock, Timer
from typing import Any, Final, TypeVar

from runtime.memory import trim_heap

PR_SET_PDEATHSIG: Final = 1
NICENESS: Final = 10  # a large request takes seconds anyway, and must not slow down the small ones
START_SECONDS: Final = 60.0
OUT_OF_MEMORY: Final = 77  # exit status
BEGUN: Final = b"begun"

# `start` looks through all children, and fails on one that another thread is closing.
_children: Final = Lock()

Result = TypeVar("Result")


class ComputationEnded(Exception):
    """The process used too much time or memory and was ended, or crashed, before there was a result."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class EngineProcess:
    """A process that is started when it is needed, and replaced when it was ended.

    One thread of its own starts it and waits for it: the kernel ends a child with the thread that started it.
    """

    def __init__(self, *, seconds: float, memory_mb: int) -> None:
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="engine-process")
        self._seconds = seconds
        self._memory_mb = memory_mb
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._is_given_up = False
        self._is_late = False

    def take(self) -> None:
        """Call it before `compute`, where `give_up` is called, too."""
        self._is_given_up = False

    def compute(self, call: Callable[[], Result]) -> Result:
        """The call's result, or its exception. Raises ComputationEnded. Only `thread` calls this."""
        connection = self._started()
        is_over = self._is_late = False
        limit = Timer(START_SECONDS + self._seconds, self._end_late)
        limit.daemon = True
        limit.start()
        try:
            if self._is_given_up:
                raise ComputationEnded("given up")
            connection.send(call)
            if not connection.poll(START_SECONDS):
                raise ComputationEnded("start")
            connection.recv_bytes()
            if not connection.poll(self._seconds):
                raise ComputationEnded("time")
            is_raised, value = connection.recv()
            is_over = True
        except (EOFError, OSError):
            raise ComputationEnded(self._cause_of_death()) from None
        finally:
            limit.cancel()
            if not is_over:
                self._end()
        if is_raised:
            raise value
        result: Result = value
        return result

    def give_up(self) -> None:
        """End the computation that is under way; `compute` then raises ComputationEnded."""
        self._is_given_up = True
        self._kill()

    def _end_late(self) -> None:
        """For a child that is stopped: it takes half a call, or sends half a result. `poll` bounds neither."""
        self._is_late = True
        self._kill()

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            with suppress(ValueError):  # the thread has closed it meanwhile
                process.kill()

    def close(self) -> None:
        self.give_up()
        self.thread.shutdown(wait=False, cancel_futures=True)

    def _started(self) -> Connection:
        if self._connection is not None and self._process is not None and self._process.is_alive():
            return self._connection
        self._end()
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._memory_mb), daemon=True)
        with _children:
            process.start()
        self._process = process
        theirs.close()
        return self._connection

    def _cause_of_death(self) -> str:
        if self._is_given_up or self._process is None:
            return "given up"
        if self._is_late:
            return "time"
        self._process.join(START_SECONDS)
        # Code in C and Rust aborts where Python raises MemoryError.
        return "memory" if self._process.exitcode in (OUT_OF_MEMORY, -signal.SIGABRT) else "died"

    def _end(self) -> None:
        process, connection, self._process, self._connection = self._process, self._connection, None, None
        if connection is not None:
            connection.close()
        if process is not None:
            process.kill()
            process.join()
            with _children:
                process.close()


def _serve(connection: Connection, memory_mb: int) -> None:
    """The other side: compute what comes until the parent is gone."""
    _prepare(memory_mb)
    try:
        while True:
            call = connection.recv()  # imports what it names
            connection.send_bytes(BEGUN)
            connection.send(_outcome(call))
            gc.collect()
            gc.freeze()  # what is kept for later calls, as the shared part of a batch, need not be looked at after each
            trim_heap()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # no memory is left to report it
    except (EOFError, OSError):
        return


def _outcome(call: Callable[[], Any]) -> tuple[bool, Any]:
    try:
        return False, call()
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 -- the caller judges it
        return True, error


def _prepare(memory_mb: int) -> None:
    """Leave Ctrl-C to the parent, and ask the kernel to end this process with it: a kill -9 would leave it running.

    RLIMIT_DATA counts what the process itself may write to; RLIMIT_AS would count shared libraries and reserved
    addresses, and watching the resident size from outside reacts too late.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    if sys.platform == "linux":
        # Where memory runs out all the same, the kernel ends this process and not the one that serves requests.
        Path("/proc/self/oom_score_adj").write_text("1000")
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * 1024 * 1024,) * 2)
    gc.freeze()

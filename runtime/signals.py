"""Ending a process on signals, in the same way for API, worker and the local servers."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Final, NoReturn

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
EXIT_CODE_BASE: Final = 128  # the shell's convention: 128 and the signal's number


@asynccontextmanager
async def stop_on_signals() -> AsyncIterator[asyncio.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second ends the process at once, even a stuck one."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(received: signal.Signals) -> None:
        if stop.is_set():  # two of them before the loop came round
            _exit_at_once(received, None)
        stop.set()
        # Not through the loop, which may be what is stuck; but the loop's wake-up stays in place: a signal that arrives
        # just before an idle loop falls asleep would otherwise be seen only when something else wakes it.
        for number in STOP_SIGNALS:
            signal.signal(number, _exit_at_once)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield stop
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


def exit_process(code: int) -> NoReturn:
    """End with exactly this code: Temporal's SDK sometimes aborts while the interpreter shuts down."""
    try:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _exit_at_once(number: int, _: FrameType | None) -> NoReturn:
    os._exit(EXIT_CODE_BASE + number)

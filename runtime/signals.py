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

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # the last when its terminal is closed
EXIT_CODE_BASE: Final = 128  # the shell's convention: 128 and the signal's number


@asynccontextmanager
async def stop_on_signals() -> AsyncIterator[asyncio.Event]:
    """An event that the first of STOP_SIGNALS sets; the second ends the process at once, even a stuck one.

    A terminal that is closed sends SIGHUP, and its shell sends another: only the first counts. It is never the second
    signal, and one that was ignored from the start, as by `nohup`, stays ignored.
    """
    heard = [number for number in STOP_SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(received: signal.Signals) -> None:
        if stop.is_set() and received != signal.SIGHUP:  # two of them before the loop came round
            _exit_at_once(received, None)
        stop.set()
        # Not through the loop, which may be what is stuck; but the loop's wake-up stays in place: a signal that arrives
        # just before an idle loop falls asleep would otherwise be seen only when something else wakes it.
        for number in heard:
            signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else _exit_at_once)

    for number in heard:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield stop
    finally:
        for number in heard:
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

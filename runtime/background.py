"""Loops that run beside the work of a process: one way to start them, to keep them going, and to stop them.

An exception ends an asyncio task in silence: nothing is logged until something awaits the task, and a loop that
is awaited only when the process stops would be missing until then. So a loop is written as one round, and this
module repeats it: after an exception it waits a little longer each time and begins again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, NoReturn

import structlog
from psycopg import Error

from domain.errors import StorageUnavailable
from runtime.outages import is_contention, is_outage

BACK_OFF_SECONDS: Final = 1.0
MAX_BACK_OFF_SECONDS: Final = 16.0  # after one bug upon another; an outage is asked for its end every second

log = structlog.get_logger(__name__)


@asynccontextmanager
async def background(one_round: Callable[[], Awaitable[float]], *, name: str) -> AsyncIterator[None]:
    """Repeat `one_round` while the block runs; it returns the seconds until the next one.

    An exception of a round is logged by class and place, unless a dependency is down: then it is expected.
    """
    task = asyncio.create_task(_repeat(one_round, name), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _repeat(one_round: Callable[[], Awaitable[float]], name: str) -> NoReturn:
    back_off = BACK_OFF_SECONDS
    while True:
        try:
            pause = await one_round()
            back_off = BACK_OFF_SECONDS
        except Exception as failure:
            if is_dependency_down(failure):
                log.debug("loop_waits", loop=name, reason=type(failure).__name__)
                pause = BACK_OFF_SECONDS
            else:
                log.exception("loop_failed", loop=name)
                pause = back_off
                back_off = min(2 * back_off, MAX_BACK_OFF_SECONDS)
        await asyncio.sleep(pause)


def is_dependency_down(failure: Exception) -> bool:
    """Whether PostgreSQL, Temporal or the network is what failed, and not this code."""
    if isinstance(failure, Error):
        return is_outage(failure) or is_contention(failure)
    if isinstance(failure, StorageUnavailable | OSError):
        return True
    from temporalio.service import RPCError, RPCStatusCode  # noqa: PLC0415 -- costs commands without Temporal 0.15 s

    outages = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED)
    return isinstance(failure, RPCError) and failure.status in outages

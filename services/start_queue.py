"""The API's starter: starts each accepted operation's workflow soon, and those that nobody started later.

PostgreSQL is the queue, not Temporal: only so many open operations have their workflows at a time
(docs/adr/0014-postgresql-is-the-queue.md).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from domain.errors import StorageUnavailable
from domain.operation import Operation
from services.delivery_queue import DeliveryQueue
from services.operation_trace import later_start
from services.starting import StartOutcome, WorkflowStarter
from storage.unit_of_work import Storage

TICK_SECONDS: Final = 1.0
BACK_OFF_SECONDS: Final = 2.0
BATCH: Final = 100
CONCURRENT_STARTS: Final = 16
DIRECT_STARTS: Final = 200  # beyond this many under way, a start waits for the next tick instead of for memory
DRAIN_SECONDS: Final = 3.0
MAX_STARTED: Final = 300

log = structlog.get_logger(__name__)


class StartQueue:
    """One task a process. A start that is lost here, with its process, is found again in PostgreSQL."""

    def __init__(
        self,
        storage: Storage,
        starter: WorkflowStarter,
        deliveries: DeliveryQueue | None = None,
        *,
        max_started: int = MAX_STARTED,
    ) -> None:
        self._storage = storage
        self._starter = starter
        self._deliveries = deliveries
        self._direct: set[asyncio.Task[None]] = set()
        self._started: set[str] = set()
        self._slots = asyncio.Semaphore(CONCURRENT_STARTS)
        self._temporal_away = asyncio.Event()
        self._max_started = max_started
        self._room = max_started  # for direct starts until the next tick counts again

    @property
    def temporal_away(self) -> asyncio.Event:
        """Set while Temporal did not take this process's last start, or has not answered since."""
        return self._temporal_away

    def start_soon(self, start: Operation) -> None:
        """Start the workflow of a committed operation without making its client wait for Temporal."""
        if self._temporal_away.is_set() or len(self._direct) >= DIRECT_STARTS or self._room <= 0:
            return
        self._room -= 1
        task = asyncio.create_task(self._start_direct(start))
        self._direct.add(task)
        task.add_done_callback(self._direct.discard)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["StartQueue"]:
        task = asyncio.create_task(self._run(), name="workflow-starter")
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            if self._direct:
                await asyncio.wait(self._direct, timeout=DRAIN_SECONDS)
            if self._deliveries is not None:
                await self._deliveries.drain()

    async def _start_direct(self, start: Operation) -> None:
        async with self._slots:
            if self._temporal_away.is_set():
                return  # the queue finds it
            outcome = await self._attempt(start)
        if outcome is StartOutcome.STARTED:
            self._started.add(start.operation_id)

    async def _attempt(self, start: Operation) -> StartOutcome:
        try:
            outcome = await self._starter.start(start)
        except StorageUnavailable:  # ending a refused one; the row is still PENDING and comes again
            return StartOutcome.UNREACHABLE
        if outcome is StartOutcome.UNREACHABLE:
            self._temporal_away.set()
        else:
            self._temporal_away.clear()
        return outcome

    async def _run(self) -> None:
        while True:
            pause = TICK_SECONDS
            try:
                await self._mark_started()
                pause = await self._start_waiting()
                if pause < BACK_OFF_SECONDS and not await self._start_deliveries():
                    pause = BACK_OFF_SECONDS
            except StorageUnavailable:
                pause = BACK_OFF_SECONDS
            except Exception:  # the starter outlives a bug: accepted operations depend on it
                log.exception("starter_failed")
                pause = BACK_OFF_SECONDS
            await asyncio.sleep(pause)

    async def _mark_started(self) -> None:
        marked = list(self._started)
        if not marked:
            return
        async with self._storage.transaction() as transaction:
            await transaction.starting.mark_started(marked)
        self._started.difference_update(marked)

    async def _start_waiting(self) -> float:
        """Start a batch of the operations that wait; answers for how long to pause before the next."""
        async with self._storage.transaction() as transaction:
            started = await transaction.starting.started_count(at_most=self._max_started)
            limit = min(BATCH, self._max_started - started)
            waiting = await transaction.starting.claim_unstarted(limit=limit)
        # Those who wait go first: as long as there are more of them, nobody is started directly.
        self._room = 0 if len(waiting) == limit else self._max_started - started - len(waiting)
        if not waiting:
            # No start tells: another process may have claimed what waits, or the limit is reached.
            if self._temporal_away.is_set() or not limit:
                await self._ask_temporal()
            return TICK_SECONDS
        # The first goes alone: while Temporal is away one time-out is enough to know it.
        with later_start(waiting[0].operation_id):
            outcomes = [await self._attempt(waiting[0])]
        if outcomes[0] is StartOutcome.UNREACHABLE:
            unreached = [start.operation_id for start in waiting]
        else:
            outcomes += await asyncio.gather(*(self._attempt_in_slot(start) for start in waiting[1:]))
            pairs = list(zip(waiting, outcomes, strict=True))
            unreached = [start.operation_id for start, outcome in pairs if outcome is StartOutcome.UNREACHABLE]
            self._started.update(start.operation_id for start, outcome in pairs if outcome is StartOutcome.STARTED)
        if unreached:
            async with self._storage.transaction() as transaction:
                await transaction.starting.release_claims(unreached)
            return BACK_OFF_SECONDS
        await self._mark_started()
        return 0.0 if len(waiting) == BATCH else TICK_SECONDS

    async def _ask_temporal(self) -> None:
        if await self._starter.is_reachable():
            self._temporal_away.clear()
        else:
            self._temporal_away.set()

    async def _start_deliveries(self) -> bool:
        return self._deliveries is None or await self._deliveries.start_waiting()

    async def _attempt_in_slot(self, start: Operation) -> StartOutcome:
        async with self._slots:
            if self._temporal_away.is_set():
                return StartOutcome.UNREACHABLE
            with later_start(start.operation_id):
                return await self._attempt(start)

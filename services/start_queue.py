"""The start queue of the API: starts the workflow of each committed row.

PostgreSQL is the queue, not Temporal: only so many open operations have their workflows at a time
(docs/adr/0014-postgresql-is-the-queue.md).
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

from domain.errors import StorageUnavailable
from services.operation_trace import later_start
from services.start_sources import Row, Source
from services.temporal_workflows import StartOutcome, WorkflowStart
from storage.unit_of_work import Storage

TICK_SECONDS: Final = 1.0
BACK_OFF_SECONDS: Final = 2.0
BATCH: Final = 100
CONCURRENT_STARTS: Final = 16
DIRECT_STARTS: Final = 200  # beyond this many under way, a start waits in PostgreSQL for the next round, not in memory
DRAIN_SECONDS: Final = 3.0
# Building a start takes a millisecond of the event loop: the answer to the request that committed the row goes first.
ANSWER_FIRST_SECONDS: Final = 0.001


class Temporal(Protocol):
    """`services.temporal_workflows.WorkflowStarter`."""

    async def start(self, start: WorkflowStart) -> StartOutcome: ...

    async def is_reachable(self) -> bool: ...


class StartQueue:
    """Starts the workflows of committed rows, directly after the commit or in rounds of one task a process.

    Temporal holds a window of the open work, the rest waits in PostgreSQL: a source has at most `most_at_once` rows
    with a workflow. A round counts the room that is left in the window, claims that many waiting rows, operations by
    turns of their clients, starts their workflows and marks the rows. A claim keeps the rounds of other processes off
    the row for five seconds. The remaining room goes to `start_soon`, which starts a row directly after its commit; the
    next round counts again. A crash between commit, start and mark loses nothing: the row is not marked, so a
    later round of any process takes it, and a second start of the same workflow id changes nothing.
    """

    def __init__(self, storage: Storage, temporal: Temporal, sources: Sequence[Source[Any]]) -> None:
        self._storage = storage
        self._temporal = temporal
        self._sources = sources
        # For direct starts, until the next round counts again.
        self._room = {source: source.most_at_once for source in sources}
        self._started: dict[Source[Any], set[str]] = {source: set() for source in sources}  # not marked yet
        self._direct: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(CONCURRENT_STARTS)
        self.temporal_unavailable = asyncio.Event()  # from a start that did not reach Temporal until it answers again

    def start_soon(self, source: Source[Row], row: Row) -> None:
        """Start the workflow of a committed row without making its client wait for Temporal."""
        if self.temporal_unavailable.is_set() or len(self._direct) >= DIRECT_STARTS or self._room[source] <= 0:
            return
        self._room[source] -= 1
        task = asyncio.create_task(self._start_direct(source, row))
        self._direct.add(task)
        task.add_done_callback(self._direct.discard)

    async def drain(self) -> None:
        """Give the starts that are under way a moment to arrive, when the rounds have ended."""
        if self._direct:
            await asyncio.wait(self._direct, timeout=DRAIN_SECONDS)

    async def start_round(self) -> float:
        """Start a batch of each source's waiting rows; the seconds until the next. Raises StorageUnavailable."""
        await self._mark_started()
        pause, is_asked, is_full = TICK_SECONDS, False, False
        for source in self._sources:
            # Each statement commits by itself: a process that freezes here holds no turn that others wait for.
            async with self._storage.autocommit() as transaction:
                starts = source.starts(transaction)
                room = await starts.room(at_most=source.most_at_once)
                limit = min(BATCH, room)
                waiting = await starts.claim_unstarted(limit=limit)
            # Waiting rows go first: as long as there are more of them, none is started directly.
            self._room[source] = 0 if len(waiting) == limit else room - len(waiting)
            is_full = is_full or not limit
            if not waiting:
                continue
            is_asked = True
            if not await self._start_batch(source, waiting):
                return BACK_OFF_SECONDS
            if len(waiting) == BATCH:
                pause = 0.0
        # A round without a start does not show whether Temporal can be reached: another process may have claimed the
        # rows, or the limit is reached. Only an answer of Temporal may clear what ends synchronous waits early.
        if not is_asked and (self.temporal_unavailable.is_set() or is_full):
            self._note(is_reachable=await self._temporal.is_reachable())
        return pause

    async def _mark_started(self) -> None:
        for source, started in self._started.items():
            if marked := list(started):
                async with self._storage.transaction() as transaction:
                    await source.starts(transaction).mark_started(marked)
                started.difference_update(marked)

    async def _start_batch(self, source: Source[Row], rows: Sequence[Row]) -> bool:
        """Start claimed rows and mark them; whether Temporal took all of them. The claims of the others are released.

        The first goes alone: while Temporal is unavailable one time-out is enough to know it.
        """
        with later_start(rows[0].operation_id):
            outcomes = [await self._attempt(source, rows[0])]
        if outcomes[0] is not StartOutcome.UNREACHABLE:
            outcomes += await asyncio.gather(*(self._start_in_slot(source, row) for row in rows[1:]))
        outcomes += [StartOutcome.UNREACHABLE] * (len(rows) - len(outcomes))
        ids: dict[StartOutcome, list[str]] = {outcome: [] for outcome in StartOutcome}
        for row, outcome in zip(rows, outcomes, strict=True):
            ids[outcome].append(row.operation_id)
        self._started[source].update(ids[StartOutcome.STARTED])
        unreached = ids[StartOutcome.UNREACHABLE]
        if unreached:
            async with self._storage.transaction() as transaction:
                await source.starts(transaction).release_claims(unreached)
        else:
            await self._mark_started()
        return not unreached

    async def _start_direct(self, source: Source[Row], row: Row) -> None:
        await asyncio.sleep(ANSWER_FIRST_SECONDS)
        async with self._slots:
            if self.temporal_unavailable.is_set():
                return  # the queue finds it
            if await self._attempt(source, row) is StartOutcome.STARTED:
                self._started[source].add(row.operation_id)

    async def _start_in_slot(self, source: Source[Row], row: Row) -> StartOutcome:
        async with self._slots:
            if self.temporal_unavailable.is_set():
                return StartOutcome.UNREACHABLE
            with later_start(row.operation_id):
                return await self._attempt(source, row)

    async def _attempt(self, source: Source[Row], row: Row) -> StartOutcome:
        outcome = await self._temporal.start(source.start(row))
        self._note(is_reachable=outcome is not StartOutcome.UNREACHABLE)
        if outcome is StartOutcome.REFUSED:
            try:
                await source.give_up(row)
            except StorageUnavailable:  # the row is unchanged, and a later round takes it
                return StartOutcome.UNREACHABLE
        return outcome

    def _note(self, *, is_reachable: bool) -> None:
        if is_reachable:
            self.temporal_unavailable.clear()
        else:
            self.temporal_unavailable.set()

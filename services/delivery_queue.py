"""The part of the API's starter that is about callbacks: redeliveries at once, and what nobody started later."""

import asyncio
from typing import Final

from domain.errors import StorageUnavailable
from services.delivery_starting import DeliveryStarter
from services.starting import StartOutcome
from storage.delivery_starts import DeliveryStart
from storage.unit_of_work import Storage

BATCH: Final = 100
CONCURRENT_STARTS: Final = 16
DRAIN_SECONDS: Final = 3.0


class DeliveryQueue:
    """A start that is lost here, with its process, is found again in PostgreSQL."""

    def __init__(self, storage: Storage, starter: DeliveryStarter) -> None:
        self._storage = storage
        self._starter = starter
        self._direct: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(CONCURRENT_STARTS)

    def start_soon(self, start: DeliveryStart) -> None:
        """Start a committed redelivery without making its client wait for Temporal."""
        task = asyncio.create_task(self._start_direct(start))
        self._direct.add(task)
        task.add_done_callback(self._direct.discard)

    async def start_waiting(self) -> bool:
        """Start a batch of the deliveries that wait; answers whether Temporal took all of them."""
        async with self._storage.transaction() as transaction:
            waiting = await transaction.delivery_starts.claim_unstarted(limit=BATCH)
        if not waiting:
            return True
        # The first goes alone: while Temporal is away one time-out is enough to know it.
        outcomes = [await self._starter.start(waiting[0])]
        if outcomes[0] is not StartOutcome.UNREACHABLE:
            outcomes += await asyncio.gather(*(self._start_in_slot(start) for start in waiting[1:]))
        started = [
            start.operation_id
            for start, outcome in zip(waiting, outcomes, strict=False)
            if outcome is StartOutcome.STARTED
        ]
        unreached = [start.operation_id for start in waiting if start.operation_id not in started]
        async with self._storage.transaction() as transaction:
            await transaction.delivery_starts.mark_started(started)
            await transaction.delivery_starts.release_claims(unreached)
        return StartOutcome.UNREACHABLE not in outcomes

    async def drain(self) -> None:
        if self._direct:
            await asyncio.wait(self._direct, timeout=DRAIN_SECONDS)

    async def _start_direct(self, start: DeliveryStart) -> None:
        try:
            if await self._start_in_slot(start) is StartOutcome.STARTED:
                async with self._storage.transaction() as transaction:
                    await transaction.delivery_starts.mark_started([start.operation_id])
        except StorageUnavailable:
            return  # the row is still waiting, and comes again

    async def _start_in_slot(self, start: DeliveryStart) -> StartOutcome:
        async with self._slots:
            return await self._starter.start(start)

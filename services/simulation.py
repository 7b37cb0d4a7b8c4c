"""Simulating on request: computed off the event loop, stored by key, answered with the stored bytes ever after."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from domain.errors import SimulationDisabled, SimulationNotStored, StorageUnavailable
from domain.evidence import evidence_of
from domain.timestamps import wire_timestamp
from services.documents import Room, document_bytes
from services.prepared_request import PreparedRequest
from services.process_pool import ProcessPool
from storage.documents import Document, DocumentKind, DocumentPurged
from storage.simulations import SimulationKey, StoredSimulation
from storage.unit_of_work import Storage

_Documents = tuple[Document, Document, Document]  # result, inputs, artifact


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulateCommand:
    """A valid simulation request with the headers that came with it."""

    prepared: PreparedRequest
    client: str
    key: str
    correlation_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulationAnswer:
    """The stored simulation of a key; `is_replay` when an earlier request, or an operation, made it."""

    stored: StoredSimulation
    is_replay: bool


@dataclass(slots=True)
class _UnderWay:
    """A computation, and the number of callers that wait for it."""

    task: "asyncio.Task[SimulationAnswer]"
    waiting: int = 0


class SimulationService:
    """Key space B: one key stands for one request and one stored result, whatever arrives at the same time.

    An operation that has the key is not waited for: this works without Temporal, and the operation adopts its result.
    """

    def __init__(self, storage: Storage, pool: ProcessPool, *, large_request_rows: int) -> None:
        self._storage = storage
        self._pool = pool
        self._large_request_rows = large_request_rows
        self._under_way: dict[tuple[str, str, str], _UnderWay] = {}

    async def simulate(self, command: SimulateCommand) -> SimulationAnswer:
        """The stored simulation of this key. Cancelling the last caller that waits cancels the computation as well.

        Raises IdempotencyKeyConflict when the key stands for another request, SimulationDisabled when the request does
        not ask for a simulation, StorageUnavailable when the key could not be looked up, SimulationNotStored when the
        result could not be kept: then nothing is, and the same key computes again.
        Raises OperationTooExpensive, ServerBusy.
        """
        twins = (command.client, command.key, command.prepared.request_hash)
        under_way = self._under_way.get(twins)
        is_first = under_way is None
        if under_way is None:
            under_way = self._under_way[twins] = _UnderWay(asyncio.create_task(self._simulated(command)))
        under_way.waiting += 1
        try:
            simulated = await asyncio.shield(under_way.task)
        finally:
            under_way.waiting -= 1
            if not under_way.waiting:
                under_way.task.cancel()
                if self._under_way.get(twins) is under_way:
                    del self._under_way[twins]
        return simulated if is_first else replace(simulated, is_replay=True)

    async def _simulated(self, command: SimulateCommand) -> SimulationAnswer:
        async with self._storage.reading() as reading:
            found, now = await reading.simulations.get_and_now(command.key, client=command.client)
        if found is not None and (stored := found.stored_for(command.prepared.request_hash)) is not None:
            return SimulationAnswer(stored=stored, is_replay=True)
        if not command.prepared.asks_for_simulation:
            raise SimulationDisabled
        documents = await self._computed(command, created_at=now)
        made = StoredSimulation(*(document.sha256 for document in documents))
        mine = SimulationKey(
            client=command.client,
            key=command.key,
            request_hash=command.prepared.request_hash,
            correlation_id=command.correlation_id,
            **made._asdict(),
            created_at=now,
        )
        kept = await self._keep(mine, documents)
        return SimulationAnswer(stored=kept.stored or made, is_replay=kept is not mine)

    async def _computed(self, command: SimulateCommand, *, created_at: datetime) -> _Documents:
        compute = partial(
            _result_and_artifact,
            command.prepared.document,
            request_hash=command.prepared.request_hash,
            correlation_id=command.correlation_id,
            idempotency_key=command.key,
            created_at=wire_timestamp(created_at),
        )
        if command.prepared.is_large(more_rows_than=self._large_request_rows):
            return await self._pool.run(compute)
        return await asyncio.to_thread(compute)

    async def _keep(self, simulation: SimulationKey, documents: _Documents) -> SimulationKey:
        try:
            try:
                return await self._keep_once(simulation, documents)
            except DocumentPurged:
                return await self._keep_once(simulation, documents)
        except StorageUnavailable:
            raise SimulationNotStored from None

    async def _keep_once(self, simulation: SimulationKey, documents: _Documents) -> SimulationKey:
        async with self._storage.transaction() as transaction:
            kept = await transaction.simulations.add_or_get(simulation)
            if kept is simulation:
                for document in documents:
                    await transaction.documents.add(document, at=simulation.created_at)
            return kept

    async def documents(self, *addresses: str, room: Room) -> list[bytes]:
        """Documents of a simulation, read once there is room for them."""
        return await document_bytes(self._storage, *addresses, room=room)


def _result_and_artifact(
    request: Document, *, request_hash: str, correlation_id: str, idempotency_key: str, created_at: str
) -> _Documents:
    """Hashed and compressed, too: that belongs to the computing."""
    evidence = evidence_of(
        request.text(),
        kind="simulate",
        request_hash=request_hash,
        correlation_id=correlation_id,
        idempotency_key=idempotency_key,
        created_at=created_at,
    )
    simulated, built = evidence.simulated, evidence.built
    return (
        Document.of(DocumentKind.RESULT, simulated.text),
        Document.of(DocumentKind.INPUTS, built.inputs),
        Document.of(DocumentKind.ARTIFACT, built.artifact),
    )

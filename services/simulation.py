"""Simulating on request: computed off the event loop, stored by key, answered with the stored bytes ever after."""

import asyncio
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from domain.errors import (
    IdempotencyKeyConflict,
    SimulationDisabled,
    SimulationNotStored,
    StorageUnavailable,
)
from domain.evidence import artifact_documents, simulate_document
from domain.request import SimulateRequest
from domain.timestamps import wire_timestamp
from services.prepared_request import PreparedRequest
from services.process_pool import ProcessPool
from storage.documents import Document, DocumentKind, DocumentPurged
from storage.simulations import StoredSimulation
from storage.unit_of_work import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedSimulation:
    """A valid simulation request with the headers that came with it; `prepared` when its rows are not here."""

    request: SimulateRequest
    client: str
    key: str
    correlation_id: str
    prepared: PreparedRequest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulated:
    """The stored texts that a key stands for; `is_replay` when an earlier request made them."""

    result: str
    inputs: str
    artifact: str
    is_replay: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Computed:
    """Texts, and the same as documents ready to be stored: hashing and compressing belong to the computing."""

    result: str
    inputs: str
    artifact: str
    documents: tuple[Document, Document, Document]


class SimulationService:
    """Key space B: one key stands for one request and one stored result, whatever arrives at the same time."""

    def __init__(self, storage: Storage, pool: ProcessPool, *, large_request_rows: int) -> None:
        self._storage = storage
        self._pool = pool
        self._large_request_rows = large_request_rows
        self._under_way: dict[tuple[str, str, str], asyncio.Task[Simulated]] = {}

    async def simulate(self, asked: AskedSimulation) -> Simulated:
        """The result and the artifact of this key.

        Raises IdempotencyKeyConflict when the key stands for another request, SimulationDisabled when the request does
        not ask for a simulation, StorageUnavailable when the key could not be looked up, SimulationNotStored when the
        result could not be kept: then nothing is, and the same key computes again.
        """
        prepared = asked.prepared
        if prepared is None:
            prepared = await asyncio.to_thread(PreparedRequest.of, asked.request)
        twins = (asked.client, asked.key, prepared.request_hash)
        task = self._under_way.get(twins)
        is_first = task is None
        if task is None:
            task = self._under_way[twins] = asyncio.create_task(self._simulated(asked, prepared))
            task.add_done_callback(lambda _: self._under_way.pop(twins, None))
        simulated = await asyncio.shield(task)
        return simulated if is_first else replace(simulated, is_replay=True)

    async def _simulated(self, asked: AskedSimulation, prepared: PreparedRequest) -> Simulated:
        async with self._storage.reading() as reading:
            found = await reading.simulations.get_or_now(asked.key, client=asked.client)
        if isinstance(found, StoredSimulation):
            return await self._replayed(found, prepared)
        if not asked.request.options.enable_proposal_simulation:
            raise SimulationDisabled
        computed = await self._computed(asked, prepared, created_at=found)
        result, inputs, artifact = computed.documents
        mine = StoredSimulation(
            client=asked.client,
            key=asked.key,
            request_hash=prepared.request_hash,
            correlation_id=asked.correlation_id,
            result_document=result.sha256,
            inputs_document=inputs.sha256,
            artifact_document=artifact.sha256,
            created_at=found,
        )
        kept = await self._keep(mine, computed.documents)
        if kept != mine:
            return await self._replayed(kept, prepared)
        return Simulated(result=computed.result, inputs=computed.inputs, artifact=computed.artifact, is_replay=False)

    async def _computed(self, asked: AskedSimulation, prepared: PreparedRequest, *, created_at: datetime) -> _Computed:
        compute = partial(
            _result_and_artifact,
            prepared.document,
            request_hash=prepared.request_hash,
            correlation_id=asked.correlation_id,
            idempotency_key=asked.key,
            created_at=wire_timestamp(created_at),
        )
        if prepared.row_count <= self._large_request_rows:
            return await asyncio.to_thread(compute)
        try:
            return await self._pool.run(compute)
        except BrokenProcessPool:  # killed for its memory, or by an operator; the next call finds fresh processes
            return await self._pool.run(compute)

    async def _keep(self, simulation: StoredSimulation, documents: tuple[Document, ...]) -> StoredSimulation:
        try:
            try:
                return await self._keep_once(simulation, documents)
            except DocumentPurged:
                return await self._keep_once(simulation, documents)
        except StorageUnavailable:
            raise SimulationNotStored from None

    async def _keep_once(self, simulation: StoredSimulation, documents: tuple[Document, ...]) -> StoredSimulation:
        async with self._storage.transaction() as transaction:
            kept = await transaction.simulations.add_or_get(simulation)
            if kept == simulation:
                for document in documents:
                    await transaction.documents.add(document, at=simulation.created_at)
            return kept

    async def _replayed(self, stored: StoredSimulation, prepared: PreparedRequest) -> Simulated:
        if stored.request_hash != prepared.request_hash:
            raise IdempotencyKeyConflict
        async with self._storage.reading() as reading:
            texts = await reading.documents.read(
                stored.result_document, stored.inputs_document, stored.artifact_document
            )
        return Simulated(
            result=texts[stored.result_document],
            inputs=texts[stored.inputs_document],
            artifact=texts[stored.artifact_document],
            is_replay=True,
        )


def _result_and_artifact(
    request: Document, *, request_hash: str, correlation_id: str, idempotency_key: str, created_at: str
) -> _Computed:
    request_text = request.text()
    simulated = simulate_document(
        request_text,
        kind="simulate",
        request_hash=request_hash,
        correlation_id=correlation_id,
        idempotency_key=idempotency_key,
    )
    built = artifact_documents(request_text, simulated.text, kind="simulate", created_at=created_at)
    return _Computed(
        result=simulated.text,
        inputs=built.inputs,
        artifact=built.artifact,
        documents=(
            Document.of(DocumentKind.RESULT, simulated.text),
            Document.of(DocumentKind.INPUTS, built.inputs),
            Document.of(DocumentKind.ARTIFACT, built.artifact),
        ),
    )

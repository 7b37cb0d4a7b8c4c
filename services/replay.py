"""Running the engine again on a stored request: the same engine must come to the same hashes."""

import asyncio
import json
from dataclasses import dataclass, replace

from domain.engine import codes
from domain.errors import VersionNotFound
from domain.evidence import RequestKind, artifact_documents, simulate_document
from domain.operation import Operation, OperationType
from domain.proposal import ProposalVersion
from domain.timestamps import wire_timestamp
from services.audit import UNREADABLE, kind_of
from storage.unit_of_work import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayResult:
    """A version or simulation beside what the present engine makes of its request.

    No hashes when the engine can make nothing of that. `engine_version` is the one that made it.
    """

    made: ProposalVersion | Operation
    engine_version: str
    simulation_hash: str | None = None
    artifact_hash: str | None = None

    @property
    def is_same_engine(self) -> bool:
        return self.engine_version == codes.ENGINE_VERSION

    @property
    def is_same(self) -> bool:
        stored = (self.made.simulation_hash, self.made.artifact_hash)
        return stored == (self.simulation_hash, self.artifact_hash)


async def replay(storage: Storage, version_id: str) -> ReplayResult:
    """Raises VersionNotFound, StorageUnavailable."""
    async with storage.snapshot() as reader:
        version = await reader.version(version_id)
        if version is None:
            raise VersionNotFound
        document = (await reader.documents([version.request_document])).get(version.request_document)
    plain = None if document is None else document.plain()
    if plain is None:
        raise VersionNotFound
    stored = ReplayResult(made=version, engine_version=version.engine_version)
    return await asyncio.to_thread(_computed, stored, plain, kind_of(version))


async def replay_simulation(storage: Storage, operation_id: str) -> ReplayResult:
    """Of an operation that has SUCCEEDED. Raises VersionNotFound for any other, StorageUnavailable."""
    async with storage.reading() as reading:
        work = await reading.work.get(operation_id)
        is_made = work is not None and work.operation_type is OperationType.SIMULATE_PROPOSAL
        if work is None or not is_made or work.result_document is None or work.artifact_hash is None:
            raise VersionNotFound
        result = await reading.documents.text(work.result_document)
    stored = ReplayResult(made=work, engine_version=json.loads(result)["lineage"]["engine_version"])
    return await asyncio.to_thread(_computed, stored, work.request_text.encode(), "simulate")


def _computed(stored: ReplayResult, request: bytes, kind: RequestKind) -> ReplayResult:
    """With the hashes, but for another engine's request, or one that was altered."""
    made = stored.made
    try:
        text = request.decode()
        simulated = simulate_document(
            text, kind=kind, request_hash=made.request_hash, correlation_id="", idempotency_key=None
        )
        built = artifact_documents(text, simulated.text, kind=kind, created_at=wire_timestamp(made.created_at))
    except UNREADABLE:
        return stored
    return replace(stored, simulation_hash=simulated.simulation_hash, artifact_hash=built.artifact_hash)

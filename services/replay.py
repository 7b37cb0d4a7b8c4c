"""Running the engine again on a stored request: the same engine must come to the same hashes."""

import asyncio
from dataclasses import dataclass

from domain.engine import codes
from domain.errors import VersionNotFound
from domain.evidence import artifact_documents, simulate_document
from domain.proposal import ProposalVersion
from domain.timestamps import wire_timestamp
from services.audit import UNREADABLE, kind_of
from storage.unit_of_work import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayResult:
    """A version beside what the present engine makes of its request; no hashes when it can make nothing of it."""

    version: ProposalVersion
    simulation_hash: str | None = None
    artifact_hash: str | None = None

    @property
    def is_same_engine(self) -> bool:
        return self.version.engine_version == codes.ENGINE_VERSION

    @property
    def is_same(self) -> bool:
        stored = (self.version.simulation_hash, self.version.artifact_hash)
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
    try:
        return await asyncio.to_thread(_computed, version, plain)
    except UNREADABLE:  # another engine's request, or one that was altered
        return ReplayResult(version=version)


def _computed(version: ProposalVersion, request: bytes) -> ReplayResult:
    """Raises one of UNREADABLE for a request that this engine cannot read."""
    text, kind = request.decode(), kind_of(version)
    simulated = simulate_document(
        text, kind=kind, request_hash=version.request_hash, correlation_id="", idempotency_key=None
    )
    built = artifact_documents(text, simulated.text, kind=kind, created_at=wire_timestamp(version.created_at))
    return ReplayResult(version=version, simulation_hash=simulated.simulation_hash, artifact_hash=built.artifact_hash)

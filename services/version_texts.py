"""A version with its stored documents."""

from dataclasses import dataclass

from domain.errors import VersionNotFound
from domain.proposal import ProposalVersion
from services.document_bytes import Room, document_bytes
from storage.unit_of_work import Reading, Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionTexts:
    """The documents are JSON texts in UTF-8, to be put into an answer as they are."""

    version: ProposalVersion
    result: bytes
    inputs: bytes
    artifact: bytes


async def read_version(reading: Reading, proposal_id: str, version_no: int) -> ProposalVersion:
    """Raises VersionNotFound."""
    version = await reading.proposals.version(proposal_id, version_no)
    if version is None:
        raise VersionNotFound
    return version


async def with_texts(storage: Storage, version: ProposalVersion, *, room: Room) -> VersionTexts:
    """The version with its documents, read once there is room for them."""
    addresses = (version.result_document, version.inputs_document, version.artifact_document)
    result, inputs, artifact = await document_bytes(storage, *addresses, room=room)
    return VersionTexts(version=version, result=result, inputs=inputs, artifact=artifact)

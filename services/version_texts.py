"""A version with its stored documents."""

from dataclasses import dataclass

from domain.errors import VersionNotFound
from domain.proposal import ProposalVersion
from storage.unit_of_work import Reading


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionTexts:
    """The documents are JSON texts, to be put into an answer as they are."""

    version: ProposalVersion
    result: str
    inputs: str
    artifact: str


async def read_version(reading: Reading, proposal_id: str, version_no: int) -> VersionTexts:
    """Raises VersionNotFound."""
    version = await reading.proposals.version(proposal_id, version_no)
    if version is None:
        raise VersionNotFound
    texts = await reading.documents.read(version.result_document, version.inputs_document, version.artifact_document)
    return VersionTexts(
        version=version,
        result=texts[version.result_document],
        inputs=texts[version.inputs_document],
        artifact=texts[version.artifact_document],
    )

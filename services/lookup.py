"""Reading what was accepted and what came of it: PostgreSQL only, so that no worker need be alive."""

from dataclasses import dataclass

from domain.errors import OperationNotFound, ProposalNotFound
from domain.ids import derived_id
from domain.operation import Operation, OperationStatus
from domain.proposal import Proposal, ProposalVersion, WorkflowEvent
from domain.text import is_storable
from storage.unit_of_work import Reading, Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionTexts:
    """A version with its stored documents: JSON texts, to be put into an answer as they are."""

    version: ProposalVersion
    result: str
    inputs: str
    artifact: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CreatedProposal:
    """What a successful operation made, as it was when the operation ended."""

    proposal: Proposal
    version: VersionTexts
    event: WorkflowEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposalDetail:
    proposal: Proposal
    current_version: VersionTexts


class Lookup:
    """Operations by id or correlation id, their results, and proposals. All raise StorageUnavailable."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def operation(self, operation_id: str, *, client: str) -> Operation:
        """Raises OperationNotFound, also for another client's operation."""
        if not is_storable(operation_id):
            raise OperationNotFound
        async with self._storage.reading() as reading:
            operation = await reading.operations.get(operation_id)
        if operation is None or operation.client != client:
            raise OperationNotFound
        return operation

    async def newest_operation(self, correlation_id: str, *, client: str) -> Operation:
        """The newest operation with this correlation id. Raises OperationNotFound."""
        if not is_storable(correlation_id):
            raise OperationNotFound
        async with self._storage.reading() as reading:
            operation = await reading.operations.newest_by_correlation(correlation_id, client=client)
        if operation is None:
            raise OperationNotFound
        return operation

    async def result(self, operation: Operation) -> CreatedProposal | None:
        """What the operation made; None unless it SUCCEEDED."""
        if operation.status is not OperationStatus.SUCCEEDED or operation.proposal_id is None:
            return None
        async with self._storage.reading() as reading:
            proposal = await _proposal(reading, operation.proposal_id, client=operation.client)
            version = await _version(reading, operation.proposal_id, operation.version_no or 1)
            event = await reading.events.get(derived_id("pwe", operation.operation_id))
        if event is None:
            raise OperationNotFound
        return CreatedProposal(proposal=proposal, version=version, event=event)

    async def proposal(self, proposal_id: str, *, client: str) -> ProposalDetail:
        """The proposal with its current version. Raises ProposalNotFound."""
        if not is_storable(proposal_id):
            raise ProposalNotFound
        async with self._storage.reading() as reading:
            proposal = await _proposal(reading, proposal_id, client=client)
            version = await _version(reading, proposal_id, proposal.current_version_no)
        return ProposalDetail(proposal=proposal, current_version=version)


async def _proposal(reading: Reading, proposal_id: str, *, client: str) -> Proposal:
    proposal = await reading.proposals.get(proposal_id, client=client)
    if proposal is None:
        raise ProposalNotFound
    return proposal


async def _version(reading: Reading, proposal_id: str, version_no: int) -> VersionTexts:
    version = await reading.proposals.version(proposal_id, version_no)
    if version is None:
        raise ProposalNotFound
    texts = await reading.documents.read(version.result_document, version.inputs_document, version.artifact_document)
    return VersionTexts(
        version=version,
        result=texts[version.result_document],
        inputs=texts[version.inputs_document],
        artifact=texts[version.artifact_document],
    )

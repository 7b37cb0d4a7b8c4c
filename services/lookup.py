"""Reading operations and what came of them: PostgreSQL only, so that no worker need be alive."""

from dataclasses import dataclass

from domain.errors import OperationNotFound
from domain.ids import derived_id
from domain.operation import Operation, OperationStatus
from domain.proposal import Proposal, WorkflowEvent
from domain.text import is_storable
from services.proposal_reads import found
from services.version_texts import VersionTexts, read_version
from storage.unit_of_work import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class CreatedVersion:
    """What a successful operation made; `event` is the one that made it, or the proposal's latest."""

    proposal: Proposal
    version: VersionTexts
    event: WorkflowEvent


class Lookup:
    """Operations by id or correlation id, and their results. All raise StorageUnavailable."""

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

    async def result(self, operation: Operation) -> CreatedVersion | None:
        """What the operation made, with the event that made it; None unless it SUCCEEDED."""
        if operation.status is not OperationStatus.SUCCEEDED:
            return None
        return await self._created(operation, is_latest=False)

    async def present(self, operation: Operation) -> CreatedVersion:
        """What an operation that SUCCEEDED made, with the proposal's latest event."""
        return await self._created(operation, is_latest=True)

    async def _created(self, operation: Operation, *, is_latest: bool) -> CreatedVersion:
        if operation.proposal_id is None or operation.version_no is None:
            raise LookupError("the operation has made nothing")
        async with self._storage.reading() as reading:
            proposal = await found(reading, operation.proposal_id, client=operation.client)
            version = await read_version(reading, operation.proposal_id, operation.version_no)
            if is_latest:
                event = await reading.events.at(proposal.proposal_id, proposal.event_count)
            else:
                event = await reading.events.get(derived_id("pwe", operation.operation_id))
        if event is None:
            raise LookupError("an event is missing from the trail")
        return CreatedVersion(proposal=proposal, version=version, event=event)

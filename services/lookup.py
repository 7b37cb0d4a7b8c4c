"""Reading operations and what came of them: PostgreSQL only, so that no worker need be alive."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from domain.errors import InvariantBroken, OperationExpired, OperationNotFound
from domain.ids import derived_id
from domain.operation import ExpiredOperation, Operation, OperationStatus
from domain.proposal import WorkflowEvent
from domain.text import is_storable
from domain.timestamps import wire_timestamp
from services.documents import Room, VersionTexts, document_bytes, with_texts
from services.proposal_reads import read_proposal, read_version
from storage.keyset import Page
from storage.operation_list import OperationFilter
from storage.proposals import ShownProposal
from storage.unit_of_work import Storage

RUN_COUNTS: Final = ("runs_total", "runs_succeeded", "runs_failed")  # in the tombstone of a batch alone


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeBatch:
    """The result of a batch: JSON text in UTF-8."""

    text: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeSimulation:
    """What a simulation operation has made; documents and gate decision are JSON texts."""

    operation: Operation
    gate_decision: str | None
    result: bytes
    inputs: bytes
    artifact: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class CreatedVersion:
    """The proposal and version of a successful operation; `event` is the one that made it, or the latest.

    The state that the event led to began at `state_began`.
    """

    proposal: ShownProposal
    version: VersionTexts
    event: WorkflowEvent
    state_began: datetime


Made = CreatedVersion | MadeSimulation | MadeBatch


class LookupService:
    """Operations by id or correlation id, and results; documents wait for `room`. All raise StorageUnavailable."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def operation(self, operation_id: str, *, client: str) -> Operation:
        """Raises OperationNotFound, also for another client's operation; OperationExpired when it was purged."""
        if not is_storable(operation_id):
            raise OperationNotFound
        async with self._storage.reading() as reading:
            operation = await reading.operations.get(operation_id)
            expired = None if operation is not None else await reading.expired.get(operation_id)
        if expired is not None and expired.client == client:
            raise expired_error(expired)
        if operation is None or operation.client != client:
            raise OperationNotFound
        return operation

    async def newest_operation(self, correlation_id: str, *, client: str) -> Operation:
        """The newest operation with this correlation id. Raises OperationNotFound, OperationExpired when it is gone."""
        if not is_storable(correlation_id):
            raise OperationNotFound
        async with self._storage.reading() as reading:
            operation = await reading.operations.newest_by_correlation(correlation_id, client=client)
            expired = None
            if operation is None or operation.is_terminal:  # an open one is younger than any that was purged
                after = None if operation is None else operation.created_at
                expired = await reading.expired.newest_by_correlation(correlation_id, client=client, after=after)
        if expired is not None:
            raise expired_error(expired)
        if operation is None:
            raise OperationNotFound
        return operation

    async def page(self, filters: OperationFilter, *, client: str, cursor: str | None, limit: int) -> Page[Operation]:
        """Newest first. Raises CursorInvalid for a cursor that is no operation of the client."""
        async with self._storage.reading() as reading:
            return await reading.operation_list.page(filters, client=client, cursor=cursor, limit=limit)

    async def result(self, operation: Operation, *, room: Room) -> Made | None:
        """The proposal and version that the operation made, with their event, or its result; None unless SUCCEEDED."""
        if operation.status is not OperationStatus.SUCCEEDED:
            return None
        if operation.makes_version:
            return await self._created(operation, is_latest=False, room=room)
        if operation.is_batch:
            (text,) = await document_bytes(self._storage, _address(operation.result_document), room=room)
            return MadeBatch(text=text)
        return await self._simulated(operation, room=room)

    async def _simulated(self, operation: Operation, *, room: Room) -> MadeSimulation:
        addresses = (operation.result_document, operation.inputs_document, operation.artifact_document)
        async with self._storage.reading() as reading:
            gate_decision = await reading.operations.gate_decision(operation.operation_id)
        result, inputs, artifact = await document_bytes(self._storage, *map(_address, addresses), room=room)
        return MadeSimulation(
            operation=operation, gate_decision=gate_decision, result=result, inputs=inputs, artifact=artifact
        )

    async def present(self, operation: Operation | ExpiredOperation, *, room: Room) -> CreatedVersion:
        """The proposal and version of an operation that SUCCEEDED, with the proposal's latest event."""
        return await self._created(operation, is_latest=True, room=room)

    async def _created(self, operation: Operation | ExpiredOperation, *, is_latest: bool, room: Room) -> CreatedVersion:
        if operation.proposal_id is None or operation.version_no is None:
            raise InvariantBroken("the operation has made nothing")
        async with self._storage.reading() as reading:
            proposal = await read_proposal(reading, operation.proposal_id, client=operation.client)
            version = await read_version(reading, operation.proposal_id, operation.version_no)
            if is_latest:
                event = await reading.events.at(proposal.proposal_id, proposal.event_count)
            else:
                event = await reading.events.get(derived_id("pwe", operation.operation_id))
            if event is None:
                raise InvariantBroken("an event is missing from the trail")
            is_new_state = event.from_state is not event.to_state
            began = event.occurred_at if is_new_state else await reading.events.state_began(event)
        texts = await with_texts(self._storage, version, room=room)
        return CreatedVersion(proposal=proposal, version=texts, event=event, state_began=began)


def _address(document: str | None) -> str:
    if document is None:
        raise InvariantBroken("the operation has made nothing")
    return document


def expired_error(expired: ExpiredOperation) -> OperationExpired:
    """The error for a purged operation, with what its tombstone says."""
    of_batch = () if expired.progress else RUN_COUNTS
    said = {
        field.name: getattr(expired, field.name) for field in fields(expired) if field.name not in ("client", *of_batch)
    }
    return OperationExpired(
        {name: wire_timestamp(value) if isinstance(value, datetime) else value for name, value in said.items()}
    )

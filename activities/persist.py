"""Steps `persist` and `persist_version`: the one commit that makes a version and ends its operation."""

from collections.abc import Awaitable, Callable

from temporalio import activity

from activities.boundary import boundary
from activities.computing import heartbeating
from activities.evidence_making import EvidenceMaking, MadeEvidence, record
from activities.outcome import load_operation, log_as_work_of, outcome_of
from activities.own_workflow import require_own_workflow
from domain.creation import Created, new_proposal, new_version
from domain.engine import codes
from domain.errors import InvariantBroken, OperationNotFound, ProposalNotFound
from domain.operation import LockedOperation, RecordedEvidence
from storage.unit_of_work import Storage, Transaction
from workflows.messages import PersistInput, PersistResult


class PersistStep:
    def __init__(self, storage: Storage, evidence: EvidenceMaking) -> None:
        self._storage = storage
        self._evidence = evidence

    @activity.defn(name="persist")
    @boundary
    @heartbeating
    async def persist(self, step: PersistInput) -> PersistResult:
        return await self._commit(step.operation_id, _add_proposal)

    @activity.defn(name="persist_version")
    @boundary
    @heartbeating
    async def persist_version(self, step: PersistInput) -> PersistResult:
        return await self._commit(step.operation_id, _add_version)

    async def _commit(self, operation_id: str, add: "Add") -> PersistResult:
        """Commit what the steps before made if this engine version made all of it, else what is made again here."""
        made = None
        while (persisted := await self._committed(operation_id, add, made)) is None:
            made = await self._evidence.make(await load_operation(self._storage, operation_id), result_document=None)
        return persisted

    async def _committed(self, operation_id: str, add: "Add", made: MadeEvidence | None) -> PersistResult | None:
        """None, and nothing written, when there is no evidence that this engine version vouches for."""
        async with self._storage.transaction() as transaction:
            operation = await transaction.operations.lock(operation_id)
            if operation is None:
                raise OperationNotFound
            require_own_workflow(operation)
            log_as_work_of(operation.correlation_id)
            if operation.is_terminal:
                return PersistResult(outcome=outcome_of(operation))
            evidence = operation.evidence(engine_version=codes.ENGINE_VERSION) if made is None else made.recorded
            if evidence is None:
                return None
            if made is not None:
                await record(transaction, operation, made)
            created = await add(transaction, operation, evidence)
            ended = await transaction.operations.succeed(operation, created.version)
            if operation.has_callback:
                await transaction.deliveries.add(operation_id)
        # What `record` has written in this transaction is in the version, not in the operation as it was locked.
        outcome = outcome_of(ended).model_copy(
            update={"simulation_status": evidence.simulation_status, "artifact_hash": evidence.artifact_hash}
        )
        return PersistResult(outcome=outcome)


Add = Callable[[Transaction, LockedOperation, RecordedEvidence], Awaitable[Created]]


async def _add_proposal(transaction: Transaction, operation: LockedOperation, evidence: RecordedEvidence) -> Created:
    created = new_proposal(operation, evidence)
    await transaction.proposals.add(created.proposal)
    await transaction.proposals.add_version(created.version)
    await transaction.events.append(created.event)
    return created


async def _add_version(transaction: Transaction, operation: LockedOperation, evidence: RecordedEvidence) -> Created:
    """Raises ProposalNotFound, and what `domain.creation.new_version` refuses."""
    if operation.proposal_id is None:
        raise InvariantBroken("a version operation has no target")
    proposal = await transaction.proposals.lock_proposal(operation.proposal_id, client=operation.client)
    if proposal is None:
        raise ProposalNotFound
    created = new_version(proposal, operation, evidence)
    await transaction.proposals.add_version(created.version)
    await transaction.events.append(created.event)
    await transaction.proposals.advance(created.proposal)
    return created

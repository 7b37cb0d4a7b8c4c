"""Steps `persist` and `persist_version`: the one commit that makes a version and ends its operation."""

from temporalio import activity

from activities.boundary import boundary
from activities.computing import heartbeating
from activities.evidence_making import EvidenceMaking, MadeEvidence
from activities.outcome import outcome_of
from activities.work_at_hand import WorkAtHand
from domain.creation import Created, new_proposal, new_version
from domain.engine import codes
from domain.errors import InvariantBroken, OperationNotFound, ProposalNotFound
from domain.operation import LockedOperation, Operation, RecordedEvidence
from storage.operation_work import AcceptedWork
from storage.unit_of_work import Storage, Transaction
from workflows.messages import PersistInput, PersistResult


class PersistStep:
    """Commits what this worker has made, or what a large operation's steps have stored; else it is made again here."""

    def __init__(self, storage: Storage, work: WorkAtHand, evidence: EvidenceMaking) -> None:
        self._storage = storage
        self._work = work
        self._evidence = evidence

    @activity.defn(name="persist")
    @boundary
    @heartbeating
    async def persist(self, step: PersistInput) -> PersistResult:
        work = await self._work.get(step.operation_id)
        if work.is_terminal:
            return self._ended(work)
        made = await self._to_commit(work)
        created = new_proposal(work, made.recorded)
        async with self._storage.autocommit() as transaction:
            ended = await transaction.work.commit(
                created, made.documents, elapsed=self._work.elapsed(work.operation_id), adds_proposal=True
            )
        return self._ended(await self._work.read(step.operation_id) if ended is None else ended)

    @activity.defn(name="persist_version")
    @boundary
    @heartbeating
    async def persist_version(self, step: PersistInput) -> PersistResult:
        work = await self._work.get(step.operation_id)
        if work.is_terminal:
            return self._ended(work)
        made = await self._to_commit(work)
        async with self._storage.transaction() as transaction:
            operation = await transaction.operations.lock(step.operation_id)
            if operation is None:
                raise OperationNotFound
            if operation.is_terminal:
                return self._ended(operation)
            created = await _advanced(transaction, operation, made.recorded)
            ended = await transaction.work.commit(
                created, made.documents, elapsed=self._work.elapsed(work.operation_id), adds_proposal=False
            )
        if ended is None:
            raise InvariantBroken("a locked open operation was not ended")
        return self._ended(ended)

    async def _to_commit(self, work: AcceptedWork) -> MadeEvidence:
        recorded = work.evidence(engine_version=codes.ENGINE_VERSION)
        if recorded is not None:
            return MadeEvidence(recorded=recorded, documents=())
        return await self._evidence.evidence(work)

    def _ended(self, operation: Operation) -> PersistResult:
        """Raises InvariantBroken for an open operation."""
        if not operation.is_terminal:
            raise InvariantBroken("an open operation was not ended")
        self._work.forget(operation.operation_id)
        self._evidence.forget(operation.operation_id)
        return PersistResult(outcome=outcome_of(operation))


async def _advanced(transaction: Transaction, operation: LockedOperation, evidence: RecordedEvidence) -> Created:
    """The next version, to which its proposal's row is brought. Raises as `new_version`, and ProposalNotFound."""
    if operation.proposal_id is None:
        raise InvariantBroken("a version operation has no target")
    proposal = await transaction.proposals.lock_proposal(operation.proposal_id, client=operation.client)
    if proposal is None:
        raise ProposalNotFound
    created = new_version(proposal, operation, evidence)
    await transaction.proposals.advance(created.proposal)
    return created

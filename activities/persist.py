"""Steps `persist`, `persist_version`, `persist_simulation`: the one commit that ends an operation with what it made."""

from datetime import timedelta

from temporalio import activity

from activities.boundary import boundary
from activities.computing import heartbeating
from activities.evidence_making import EvidenceMaking, MadeEvidence
from activities.outcome import outcome_of
from activities.work_at_hand import WorkAtHand
from domain.creation import Created, new_proposal, new_version
from domain.engine import codes
from domain.errors import InvariantBroken, ProposalNotFound
from domain.operation import LockedOperation, Operation, RecordedEvidence
from services.adoption import Adoption, read_or_refuse
from services.ending import succeed_simulated
from storage.operation_work import AcceptedWork
from storage.simulations import StoredSimulation
from storage.unit_of_work import Storage, Transaction
from workflows.messages import PersistInput, PersistResult


class PersistStep:
    """Commits what this worker has made, or what a large operation's steps have stored; else it is made again here."""

    def __init__(self, storage: Storage, work: WorkAtHand, evidence: EvidenceMaking, adoption: Adoption) -> None:
        self._storage = storage
        self._work = work
        self._evidence = evidence
        self._adoption = adoption

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
            if operation.is_terminal:
                return self._ended(operation)
            created = await _advanced(transaction, operation, made.recorded)
            ended = await transaction.work.commit(
                created, made.documents, elapsed=self._work.elapsed(work.operation_id), adds_proposal=False
            )
        if ended is None:
            raise InvariantBroken("a locked open operation was not ended")
        return self._ended(ended)

    @activity.defn(name="persist_simulation")
    @boundary
    @heartbeating
    async def persist_simulation(self, step: PersistInput) -> PersistResult:
        work = await self._work.get(step.operation_id)
        if work.is_terminal:
            return self._ended(work)
        made = await self._to_commit(work)

        async def end(adopted: RecordedEvidence | None) -> Operation:
            async with self._storage.transaction() as transaction:
                elapsed = self._work.elapsed(work.operation_id)
                return await _simulated(transaction, work, made, adopted, elapsed=elapsed)

        return self._ended(await self._adoption.with_evidence(end))

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


async def _simulated(
    transaction: Transaction,
    work: AcceptedWork,
    made: MadeEvidence,
    adopted: RecordedEvidence | None,
    *,
    elapsed: timedelta,
) -> Operation:
    """The operation as it has ended: with the result that its key has already, or with this one.

    Raises ResultNotRead for one that is not `adopted` yet.
    """
    if work.key is None:
        raise InvariantBroken("a simulation operation has no key")
    row = await transaction.simulations.lock(work.key)
    operation = await transaction.operations.lock(work.operation_id)
    if operation.is_terminal:
        return operation
    if row is None or row.operation_id != operation.operation_id:
        raise InvariantBroken("an open operation does not have its key")
    if row.stored is not None:
        evidence = read_or_refuse(row.stored, adopted)
    else:
        evidence = made.recorded
        for document in made.documents:
            await transaction.documents.add(document, at=work.created_at)
        stored = StoredSimulation(*evidence.documents)
        await transaction.simulations.store(row, stored, correlation_id=work.correlation_id)
    return await succeed_simulated(transaction, operation, evidence, elapsed=elapsed)


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

"""Steps `persist` and `persist_version`: the one commit that makes a version and ends its operation."""

from collections.abc import Awaitable, Callable

from temporalio import activity

from activities.boundary import boundary
from activities.computing import heartbeating
from activities.evidence_making import EvidenceMaking, MadeEvidence, record
from activities.outcome import load_work, log_as_work_of, outcome_of
from activities.own_workflow import require_own_workflow
from domain.creation import Created, VersionEvidence, VersionOrder, new_proposal, new_version
from domain.engine import codes
from domain.errors import OperationNotFound, ProposalNotFound
from domain.operation import Policy
from storage.operations import OperationWork, RecordedEvidence
from storage.unit_of_work import Storage, Transaction
from workflows.messages import OperationOutcome, PersistInput, PersistResult


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
            made = await self._evidence.make(await load_work(self._storage, operation_id), result_document=None)
        return persisted

    async def _committed(self, operation_id: str, add: "Add", made: MadeEvidence | None) -> PersistResult | None:
        """None, and nothing written, when there is no evidence that this engine version vouches for."""
        async with self._storage.transaction() as transaction:
            work = await transaction.operations.lock_operation(operation_id)
            if work is None:
                raise OperationNotFound
            require_own_workflow(work)
            log_as_work_of(work.correlation_id)
            if work.is_terminal:
                return PersistResult(outcome=outcome_of(work))
            evidence = made.recorded if made is not None else _of_this_engine(work)
            if evidence is None:
                return None
            if made is not None:
                await record(transaction, work, made)
            created = await add(transaction, work, evidence)
            await transaction.operations.succeed(
                work,
                proposal_id=created.proposal.proposal_id,
                version_no=created.version.version_no,
                proposal_version_id=created.version.proposal_version_id,
            )
            if work.has_callback:
                await transaction.deliveries.add(work.operation_id)
        return PersistResult(
            outcome=OperationOutcome(
                operation_id=work.operation_id,
                status="SUCCEEDED",
                proposal_id=created.proposal.proposal_id,
                version_no=created.version.version_no,
                simulation_status=evidence.simulation_status,
                artifact_hash=evidence.artifact_hash,
                has_callback=work.has_callback,
            )
        )


Add = Callable[[Transaction, OperationWork, RecordedEvidence], Awaitable[Created]]


async def _add_proposal(transaction: Transaction, work: OperationWork, evidence: RecordedEvidence) -> Created:
    created = new_proposal(_order_of(work), _evidence_of(work, evidence), metadata=work.metadata)
    await transaction.proposals.add(created.proposal)
    await transaction.proposals.add_version(created.version)
    await transaction.events.append(created.event)
    return created


async def _add_version(transaction: Transaction, work: OperationWork, evidence: RecordedEvidence) -> Created:
    """Raises ProposalNotFound, and what `domain.creation.new_version` refuses."""
    if work.proposal_id is None:
        raise LookupError("a version operation has no target")
    proposal = await transaction.proposals.lock_proposal(work.proposal_id, client=work.client)
    if proposal is None:
        raise ProposalNotFound
    created = new_version(
        proposal,
        _order_of(work),
        _evidence_of(work, evidence),
        expected_version_no=work.expected_version_no,
        policy=Policy.from_text(work.policy),
    )
    await transaction.proposals.add_version(created.version)
    await transaction.events.append(created.event)
    await transaction.proposals.advance(created.proposal)
    return created


def _order_of(work: OperationWork) -> VersionOrder:
    return VersionOrder(
        operation_id=work.operation_id,
        client=work.client,
        portfolio_id=work.portfolio_id,
        created_by=work.created_by,
        created_at=work.created_at,
    )


def _of_this_engine(work: OperationWork) -> RecordedEvidence | None:
    """The evidence that the steps before recorded, if this engine version made all of it."""
    if (
        work.simulation_hash is None
        or work.artifact_hash is None
        or work.simulation_status is None
        or work.result_document is None
        or work.inputs_document is None
        or work.artifact_document is None
    ):
        raise LookupError("persist came before the evidence was stored")
    evidence = RecordedEvidence(
        result_document=work.result_document,
        simulation_status=work.simulation_status,
        simulation_hash=work.simulation_hash,
        gate_decision=work.gate_decision,
        inputs_document=work.inputs_document,
        artifact_document=work.artifact_document,
        artifact_hash=work.artifact_hash,
        engine_version=codes.ENGINE_VERSION,
    )
    return evidence if evidence.seal == work.evidence_seal else None


def _evidence_of(work: OperationWork, evidence: RecordedEvidence) -> VersionEvidence:
    return VersionEvidence(
        request_hash=work.request_hash,
        simulation_hash=evidence.simulation_hash,
        artifact_hash=evidence.artifact_hash,
        status=evidence.simulation_status,
        gate_decision=evidence.gate_decision,
        evidence_stored=Policy.from_text(work.policy).store_evidence_bundle,
        engine_version=evidence.engine_version,
        request_document=work.request_document,
        result_document=evidence.result_document,
        inputs_document=evidence.inputs_document,
        artifact_document=evidence.artifact_document,
    )

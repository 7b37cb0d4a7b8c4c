"""Step `persist`: the one commit that makes the proposal and ends its operation."""

from temporalio import activity

from activities.boundary import boundary
from activities.outcome import outcome_of
from domain.creation import VersionEvidence, new_proposal
from domain.engine.codes import ENGINE_VERSION
from domain.errors import OperationNotFound
from domain.operation import Policy
from storage.operations import OperationWork
from storage.unit_of_work import Storage, Transaction
from workflows.messages import OperationOutcome, PersistInput, PersistResult


class PersistStep:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @activity.defn(name="persist")
    @boundary
    async def persist(self, step: PersistInput) -> PersistResult:
        async with self._storage.transaction() as transaction:
            work = await transaction.operations.lock_operation(step.operation_id)
            if work is None:
                raise OperationNotFound
            outcome = outcome_of(work) if work.is_terminal else await _create(transaction, work)
        return PersistResult(outcome=outcome)


async def _create(transaction: Transaction, work: OperationWork) -> OperationOutcome:
    created = new_proposal(
        _evidence_of(work),
        operation_id=work.operation_id,
        client=work.client,
        portfolio_id=work.portfolio_id,
        created_by=work.created_by,
        created_at=work.created_at,
        metadata=work.metadata,
    )
    await transaction.proposals.add(created.proposal)
    await transaction.proposals.add_version(created.version)
    await transaction.events.append(created.event)
    await transaction.operations.succeed(
        work.operation_id,
        proposal_id=created.proposal.proposal_id,
        version_no=created.version.version_no,
        proposal_version_id=created.version.proposal_version_id,
    )
    if work.has_callback:
        await transaction.deliveries.add(work.operation_id)
    return OperationOutcome(
        operation_id=work.operation_id,
        status="SUCCEEDED",
        proposal_id=created.proposal.proposal_id,
        version_no=created.version.version_no,
        simulation_status=work.simulation_status,
        artifact_hash=work.artifact_hash,
    )


def _evidence_of(work: OperationWork) -> VersionEvidence:
    if (
        work.simulation_hash is None
        or work.artifact_hash is None
        or work.simulation_status is None
        or work.result_document is None
        or work.inputs_document is None
        or work.artifact_document is None
    ):
        raise LookupError("persist came before the evidence was stored")
    return VersionEvidence(
        request_hash=work.request_hash,
        simulation_hash=work.simulation_hash,
        artifact_hash=work.artifact_hash,
        status=work.simulation_status,
        gate_decision=work.gate_decision,
        evidence_stored=Policy.from_text(work.policy).store_evidence_bundle,
        engine_version=ENGINE_VERSION,
        request_document=work.request_document,
        result_document=work.result_document,
        inputs_document=work.inputs_document,
        artifact_document=work.artifact_document,
    )

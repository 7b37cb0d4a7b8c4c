"""Step `build_artifact`: from the stored request and result to the stored evidence."""

from temporalio import activity

from activities.boundary import boundary
from activities.computing import heartbeating
from activities.evidence_making import EvidenceMaking, record
from activities.outcome import load_operation, outcome_of
from domain.errors import InvariantBroken
from storage.unit_of_work import Storage
from workflows.messages import BuildArtifactInput, BuildArtifactResult


class BuildArtifactStep:
    def __init__(self, storage: Storage, evidence: EvidenceMaking) -> None:
        self._storage = storage
        self._evidence = evidence

    @activity.defn(name="build_artifact")
    @boundary
    @heartbeating
    async def build_artifact(self, step: BuildArtifactInput) -> BuildArtifactResult:
        operation = await load_operation(self._storage, step.operation_id)
        if operation.is_terminal:
            return BuildArtifactResult(ended=outcome_of(operation))
        if operation.result_document is None:
            raise InvariantBroken("build_artifact came before simulate")
        made = await self._evidence.make(operation, result_document=operation.result_document)
        async with self._storage.transaction() as transaction:
            is_recorded = await record(transaction, operation, made)
        if not is_recorded:
            return BuildArtifactResult(ended=outcome_of(await load_operation(self._storage, step.operation_id)))
        return BuildArtifactResult(
            inputs_document=made.recorded.inputs_document,
            artifact_document=made.recorded.artifact_document,
            artifact_hash=made.recorded.artifact_hash,
        )

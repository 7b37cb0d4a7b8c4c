"""Step `build_artifact`: from request and result to the evidence, which only a large operation stores at once."""

from temporalio import activity

from activities.boundary import boundary
from activities.computing import heartbeating
from activities.evidence_making import EvidenceMaking, record
from activities.outcome import outcome_of
from activities.work_at_hand import WorkAtHand
from storage.unit_of_work import Storage
from workflows.messages import BuildArtifactInput, BuildArtifactResult


class BuildArtifactStep:
    def __init__(self, storage: Storage, work: WorkAtHand, evidence: EvidenceMaking) -> None:
        self._storage = storage
        self._work = work
        self._evidence = evidence

    @activity.defn(name="build_artifact")
    @boundary
    @heartbeating
    async def build_artifact(self, step: BuildArtifactInput) -> BuildArtifactResult:
        work = await self._work.get(step.operation_id)
        if work.is_terminal:
            return BuildArtifactResult(ended=outcome_of(work))
        made = await self._evidence.evidence(work)
        if work.is_large:
            async with self._storage.transaction() as transaction:
                is_recorded = await record(transaction, work, made)
            if not is_recorded:
                return BuildArtifactResult(ended=outcome_of(await self._work.read(step.operation_id)))
        return BuildArtifactResult(
            inputs_document=made.recorded.inputs_document,
            artifact_document=made.recorded.artifact_document,
            artifact_hash=made.recorded.artifact_hash,
        )

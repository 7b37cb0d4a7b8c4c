"""Step `build_artifact`: from the stored request and result to the stored evidence."""

from temporalio import activity

from activities.boundary import boundary
from activities.computing import Computing
from activities.document_texts import DocumentTexts
from activities.outcome import load_work, outcome_of
from domain.evidence import REQUEST_KINDS, artifact_documents
from domain.timestamps import wire_timestamp
from storage.documents import DocumentKind
from storage.unit_of_work import Storage
from workflows.messages import BuildArtifactInput, BuildArtifactResult


class BuildArtifactStep:
    def __init__(self, storage: Storage, texts: DocumentTexts, computing: Computing) -> None:
        self._storage = storage
        self._texts = texts
        self._computing = computing

    @activity.defn(name="build_artifact")
    @boundary
    async def build_artifact(self, step: BuildArtifactInput) -> BuildArtifactResult:
        work = await load_work(self._storage, step.operation_id)
        if work.is_terminal:
            return BuildArtifactResult(ended=outcome_of(work))
        if work.result_document is None:
            raise LookupError("build_artifact came before simulate")
        built = await self._computing.run(
            artifact_documents,
            await self._texts.read(work.request_document),
            await self._texts.read(work.result_document),
            kind=REQUEST_KINDS[work.operation_type],
            created_at=wire_timestamp(work.created_at),
            is_large=step.is_large,
        )
        inputs = await self._computing.document(DocumentKind.INPUTS, built.inputs)
        artifact = await self._computing.document(DocumentKind.ARTIFACT, built.artifact)
        async with self._storage.transaction() as transaction:
            await transaction.documents.add(inputs, at=work.created_at)
            await transaction.documents.add(artifact, at=work.created_at)
            is_recorded = await transaction.operations.record_artifact(
                work.operation_id,
                inputs_document=inputs.sha256,
                artifact_document=artifact.sha256,
                artifact_hash=built.artifact_hash,
            )
            if not is_recorded:
                await transaction.documents.let_go(inputs.sha256, artifact.sha256)
        if not is_recorded:
            return BuildArtifactResult(ended=outcome_of(await load_work(self._storage, step.operation_id)))
        return BuildArtifactResult(
            inputs_document=inputs.sha256, artifact_document=artifact.sha256, artifact_hash=built.artifact_hash
        )

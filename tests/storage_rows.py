"""A finished proposal, made by the real steps without Temporal."""

from builders import a_stored_operation
from temporalio.testing import ActivityEnvironment

from activities.build_artifact import BuildArtifactStep
from activities.computing import Computing
from activities.document_texts import DocumentTexts
from activities.persist import PersistStep
from activities.simulate import SimulateStep
from runtime.engine_pool import EnginePool
from storage.unit_of_work import Storage
from workflows.messages import BuildArtifactInput, OperationOutcome, PersistInput, SimulateInput


class Steps:
    """The steps of one worker."""

    def __init__(self, storage: Storage) -> None:
        texts, computing = DocumentTexts(storage), Computing(EnginePool(1))
        self.environment = ActivityEnvironment()
        self._simulate = SimulateStep(storage, texts, computing).simulate
        self._build = BuildArtifactStep(storage, texts, computing).build_artifact
        self._persist = PersistStep(storage).persist

    async def simulate(self, operation_id: str):
        return await self.environment.run(self._simulate, SimulateInput(operation_id=operation_id, is_large=False))

    async def build(self, operation_id: str):
        return await self.environment.run(self._build, BuildArtifactInput(operation_id=operation_id, is_large=False))

    async def persist(self, operation_id: str):
        return await self.environment.run(self._persist, PersistInput(operation_id=operation_id))


async def a_created_proposal(storage: Storage) -> OperationOutcome:
    operation = await a_stored_operation(storage)
    steps = Steps(storage)
    await steps.simulate(operation.operation_id)
    await steps.build(operation.operation_id)
    persisted = await steps.persist(operation.operation_id)
    outcome: OperationOutcome = persisted.outcome
    return outcome

"""A finished proposal, made by the real steps without Temporal."""

from dataclasses import replace

from builders import a_stored_operation, refuse_callbacks
from prometheus_client import CollectorRegistry
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.build_artifact import BuildArtifactStep
from activities.computing import Computing
from activities.evidence_making import EvidenceMaking
from activities.finish import FinishStep
from activities.metrics import WorkerMetrics
from activities.persist import PersistStep
from activities.reconcile import ReconcileSteps
from activities.simulate import SimulateStep
from activities.under_way import UnderWay
from activities.work_at_hand import WorkAtHand
from domain.lifecycle import ReviewCommand, ReviewRules
from domain.operation import Policy
from domain.proposal import ApprovalType, EventType
from runtime.engine_pool import EnginePool
from services.adoption import Adoption
from services.lifecycle import ProposalWorkflowService
from services.lookup import LookupService
from services.open_operations import OpenOperationLimit
from services.process_pool import ProcessPool
from services.retrying import RetryService
from services.submission import SubmissionService
from storage.unit_of_work import Storage
from workflows.identity import WORKFLOW_TYPES
from workflows.messages import BuildArtifactInput, FinishInput, OperationOutcome, PersistInput, SimulateInput


class InProcess:
    """A pool that computes where it is asked."""

    async def run(self, function, *args, **kwargs):
        return function(*args, **kwargs)


class Steps:
    """The steps of one worker."""

    def __init__(self, storage: Storage, *, pool: ProcessPool | None = None, client: Client | None = None) -> None:
        self.under_way = UnderWay()
        work = WorkAtHand(storage, self.under_way)
        evidence = EvidenceMaking(storage, Computing(pool or EnginePool(1, seconds=60, memory_mb=1024)))
        self._storage = storage
        self._types: dict[str, str] = {}
        self._simulate = SimulateStep(storage, work, evidence).simulate
        self._build = BuildArtifactStep(storage, work, evidence).build_artifact
        persisting = PersistStep(storage, work, evidence, adopting(storage))
        self._persist = persisting.persist
        self._persist_version = persisting.persist_version
        self._persist_simulation = persisting.persist_simulation
        self._finish = FinishStep(storage, work, client).finish  # type: ignore[arg-type]  # asked about cancels alone

    async def simulate(self, operation_id: str, *, is_local: bool = True):
        step = SimulateInput(operation_id=operation_id, is_large=False)
        return await self._run(self._simulate, step, is_local=is_local)

    async def build(self, operation_id: str):
        return await self._run(self._build, BuildArtifactInput(operation_id=operation_id, is_large=False))

    async def persist(self, operation_id: str):
        return await self._run(self._persist, PersistInput(operation_id=operation_id))

    async def persist_version(self, operation_id: str):
        return await self._run(self._persist_version, PersistInput(operation_id=operation_id))

    async def persist_simulation(self, operation_id: str):
        return await self._run(self._persist_simulation, PersistInput(operation_id=operation_id))

    async def finish(self, operation_id: str, *, error_code: str, error_message: str):
        order = FinishInput(operation_id=operation_id, error_code=error_code, error_message=error_message)
        return await self._run(self._finish, order)

    async def workflow_type_of(self, operation_id: str) -> str:
        if operation_id not in self._types:
            async with self._storage.reading() as reading:
                operation = await reading.operations.get(operation_id)
            assert operation is not None
            self._types[operation_id] = WORKFLOW_TYPES[operation.operation_type]
        return self._types[operation_id]

    async def _run(self, step, argument, *, is_local: bool = True):
        environment = environment_of(argument.operation_id, await self.workflow_type_of(argument.operation_id))
        environment.info = replace(environment.info, is_local=is_local)
        return await environment.run(step, argument)


def environment_of(workflow_id: str, workflow_type: str) -> ActivityEnvironment:
    """That of an activity of this workflow."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, workflow_id=workflow_id, workflow_type=workflow_type)
    return environment


def a_limit(limit: int = 100) -> OpenOperationLimit:
    return OpenOperationLimit(limit, per_client=0, batches=50)


def adopting(storage: Storage) -> Adoption:
    return Adoption(storage, InProcess())


def retrying(storage: Storage, *, limit: OpenOperationLimit | None = None) -> RetryService:
    return RetryService(
        storage,
        LookupService(storage),
        lambda _: None,
        policy=Policy(),
        limit=limit or a_limit(),
        adoption=adopting(storage),
    )


def submitting(storage: Storage, *, limit: OpenOperationLimit | None = None) -> SubmissionService:
    return SubmissionService(
        storage,
        lambda _: None,
        policy=Policy(),
        large_request_rows=1000,
        limit=limit or a_limit(),
        judge_callback=refuse_callbacks,
        adoption=adopting(storage),
    )


def reconciling(
    storage: Storage, client: Client, *, max_started: int = 300, registry: CollectorRegistry | None = None
) -> ReconcileSteps:
    """The steps of reconcile, whose runs `registry` counts."""
    metrics = WorkerMetrics(registry or CollectorRegistry())
    return ReconcileSteps(storage, client, max_started=max_started, public_url=None, metrics=metrics)


async def a_created_proposal(storage: Storage) -> OperationOutcome:
    operation = await a_stored_operation(storage)
    steps = Steps(storage)
    await steps.simulate(operation.operation_id)
    await steps.build(operation.operation_id)
    persisted = await steps.persist(operation.operation_id)
    outcome: OperationOutcome = persisted.outcome
    return outcome


async def a_created_version(storage: Storage, proposal_id: str) -> OperationOutcome:
    operation = await a_stored_operation(storage, proposal_id=proposal_id)
    steps = Steps(storage)
    await steps.simulate(operation.operation_id)
    await steps.build(operation.operation_id)
    persisted = await steps.persist_version(operation.operation_id)
    outcome: OperationOutcome = persisted.outcome
    return outcome


async def a_reviewed_proposal(storage: Storage) -> str:
    """The id of a proposal with two versions, six events and two approvals."""
    proposal_id = (await a_created_proposal(storage)).proposal_id
    assert proposal_id is not None
    await a_created_version(storage, proposal_id)
    reviews = ProposalWorkflowService(storage, ReviewRules(require_expected_state=False))
    for event_type in (
        EventType.SUBMITTED_FOR_RISK_REVIEW,
        EventType.RISK_APPROVED,
        EventType.CLIENT_CONSENT_RECORDED,
        EventType.EXECUTED,
    ):
        command = ReviewCommand(
            actor_id="reviewer_1", decisions=frozenset(ApprovalType), reason=f'{{"event":"{event_type}"}}'
        )
        await reviews.transition(proposal_id, event_type, command, client="local", keyed=None)
    return proposal_id


async def all_the_room(_: int) -> None:
    """Room for documents of any size."""

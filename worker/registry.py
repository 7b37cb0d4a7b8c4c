"""All workflows and all activities, in flat lists: what the worker runs and the tests check."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from temporalio.client import Client

from activities.analyze_chunks import AnalyzeStep
from activities.build_artifact import BuildArtifactStep
from activities.checkpoint import CheckpointStep
from activities.computing import Computing
from activities.conclude_batch import ConcludeBatchStep
from activities.deliver import DeliverStep
from activities.evidence_making import EvidenceMaking
from activities.finish import FinishStep
from activities.host_slots import HostSlots
from activities.metrics import WorkerMetrics
from activities.persist import PersistStep
from activities.purge import PurgeStep
from activities.reconcile import ReconcileSteps
from activities.simulate import SimulateStep
from activities.under_way import UnderWay
from activities.work_at_hand import WorkAtHand
from domain.callback import CallbackRules
from domain.egress_proxy import EgressProxy
from domain.evidence_key import EvidenceKey
from services.adoption import Adoption
from services.callback_target import CallbackTargets
from services.callback_transport import CallbackTransport
from services.process_pool import ProcessPool
from services.purging import Periods
from storage.unit_of_work import Storage
from workflows.analyze_scenarios import AnalyzeScenarios
from workflows.checkpoint_evidence import CheckpointEvidence
from workflows.create_proposal import CreateProposal
from workflows.create_version import CreateVersion
from workflows.deliver_callback import DeliverCallback
from workflows.purge_operations import PurgeOperations
from workflows.reconcile_operations import ReconcileOperations
from workflows.simulate_proposal import SimulateProposal


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependencies:
    """The objects that the activities need."""

    storage: Storage
    client: Client
    pool: ProcessPool
    periods: Periods
    max_started: int
    callback_rules: CallbackRules
    egress_proxy: EgressProxy | None
    evidence_key: EvidenceKey | None
    metrics: WorkerMetrics
    under_way: UnderWay = field(default_factory=UnderWay)


def proposal_workflows() -> list[type]:
    return [CreateProposal, CreateVersion, AnalyzeScenarios, SimulateProposal]


def proposal_activities(dependencies: Dependencies) -> list[Callable[..., Any]]:
    storage = dependencies.storage
    work = WorkAtHand(storage, dependencies.under_way)
    evidence = EvidenceMaking(storage, Computing(dependencies.pool))
    persisting = PersistStep(storage, work, evidence, Adoption(storage, dependencies.pool))
    return [
        SimulateStep(storage, work, evidence).simulate,
        BuildArtifactStep(storage, work, evidence).build_artifact,
        persisting.persist,
        persisting.persist_version,
        persisting.persist_simulation,
        ConcludeBatchStep(storage, work).conclude_batch,
        FinishStep(storage, work, dependencies.client).finish,
    ]


def batch_activities(dependencies: Dependencies) -> list[Callable[..., Any]]:
    storage = dependencies.storage
    work = WorkAtHand(storage, dependencies.under_way)
    return [AnalyzeStep(storage, work, dependencies.pool, dependencies.metrics).analyze_chunks]


def callback_workflows() -> list[type]:
    return [DeliverCallback]


def callback_activities(dependencies: Dependencies) -> list[Callable[..., Any]]:
    rules = dependencies.callback_rules
    delivering = DeliverStep(
        dependencies.storage,
        CallbackTargets(rules),
        CallbackTransport(proxy=dependencies.egress_proxy),
        rules=rules,
        slots=HostSlots(),
        metrics=dependencies.metrics,
    )
    return [delivering.deliver_callback]


def housekeeping_workflows() -> list[type]:
    return [ReconcileOperations, PurgeOperations, CheckpointEvidence]


def housekeeping_activities(dependencies: Dependencies) -> list[Callable[..., Any]]:
    storage, metrics = dependencies.storage, dependencies.metrics
    reconciling = ReconcileSteps(
        storage,
        dependencies.client,
        max_started=dependencies.max_started,
        public_url=dependencies.callback_rules.public_url,
        metrics=metrics,
    )
    return [
        reconciling.reconcile,
        reconciling.reconcile_deliveries,
        PurgeStep(storage, dependencies.periods, metrics).purge,
        CheckpointStep(storage, dependencies.evidence_key).checkpoint,
    ]

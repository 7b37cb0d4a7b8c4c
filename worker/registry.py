"""All workflows and all activities, in flat lists: what the worker runs and the tests check."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client

from activities.build_artifact import BuildArtifactStep
from activities.computing import Computing
from activities.document_texts import DocumentTexts
from activities.finish import FinishStep
from activities.persist import PersistStep
from activities.purge import PurgeStep
from activities.reconcile import ReconcileStep
from activities.simulate import SimulateStep
from services.process_pool import ProcessPool
from services.purging import Periods
from services.starting import WorkflowStarter
from storage.unit_of_work import Storage
from workflows.create_proposal import CreateProposal
from workflows.create_version import CreateVersion
from workflows.purge_operations import PurgeOperations
from workflows.reconcile_operations import ReconcileOperations


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependencies:
    """What the activities are made of."""

    storage: Storage
    client: Client
    pool: ProcessPool
    periods: Periods


def proposal_workflows() -> list[type]:
    return [CreateProposal, CreateVersion]


def proposal_activities(dependencies: Dependencies) -> list[Callable[..., Any]]:
    texts = DocumentTexts(dependencies.storage)
    computing = Computing(dependencies.pool)
    persisting = PersistStep(dependencies.storage)
    return [
        SimulateStep(dependencies.storage, texts, computing).simulate,
        BuildArtifactStep(dependencies.storage, texts, computing).build_artifact,
        persisting.persist,
        persisting.persist_version,
        FinishStep(dependencies.storage).finish,
    ]


def housekeeping_workflows() -> list[type]:
    return [ReconcileOperations, PurgeOperations]


def housekeeping_activities(dependencies: Dependencies) -> list[Callable[..., Any]]:
    starter = WorkflowStarter(dependencies.client, dependencies.storage)
    return [
        ReconcileStep(dependencies.storage, dependencies.client, starter).reconcile,
        PurgeStep(dependencies.storage, dependencies.periods).purge,
    ]

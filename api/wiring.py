"""From settings and open resources to the services that the endpoints are given."""

from datetime import timedelta
from functools import partial

from temporalio.client import Client

from api.operation_presentation import OperationPresenter
from api.services import Gates, Services
from domain.lifecycle import ReviewRules
from runtime.settings import Settings
from runtime.shown_url import linked_url
from services.callback_target import CallbackTargets
from services.cancellation import Cancellation
from services.lifecycle import ProposalWorkflowService
from services.lookup import Lookup
from services.open_operations import OpenOperationLimit
from services.process_pool import ProcessPool
from services.proposal_reads import ProposalReads
from services.readiness import ReadinessCheck
from services.redelivery import Redelivery
from services.retrying import Retrying
from services.simulation import SimulationService
from services.start_queue import StartQueue
from services.start_sources import DeliverySource, OperationSource
from services.submission import SubmissionService
from services.synchronous import SynchronousWait
from services.waiting import Waiting
from storage.listener import TerminalListener
from storage.unit_of_work import Storage


def build_services(
    settings: Settings,
    *,
    storage: Storage,
    listener: TerminalListener,
    client: Client,
    pool: ProcessPool,
    starts: StartQueue,
    cancellation: Cancellation,
    sources: tuple[OperationSource, DeliverySource],
) -> Services:
    """One graph a process; nothing in it outlives the resources."""
    lookup, waiting = Lookup(storage), Waiting(listener)
    operations, deliveries = sources
    limit = OpenOperationLimit(settings.max_open_operations)
    return Services(
        submission=SubmissionService(
            storage,
            partial(starts.start_soon, operations),
            policy=settings.policy(),
            large_request_rows=settings.large_request_rows,
            limit=limit,
            judge_callback=CallbackTargets(settings.callback_rules).refusal,
        ),
        redelivery=Redelivery(storage, lookup, partial(starts.start_soon, deliveries)),
        pool=pool,
        simulation=SimulationService(storage, pool, large_request_rows=settings.large_request_rows),
        synchronous=SynchronousWait(lookup, waiting, starts.temporal_away, max_seconds=settings.sync_wait_seconds),
        reviews=ProposalWorkflowService(
            storage,
            ReviewRules(
                require_expected_state=settings.require_expected_state,
                strict_version_binding=settings.strict_version_binding,
                four_eyes=settings.four_eyes,
            ),
        ),
        proposals=ProposalReads(storage),
        lookup=lookup,
        cancellation=cancellation,
        retrying=Retrying(
            storage, lookup, partial(starts.start_soon, operations), policy=settings.policy(), limit=limit
        ),
        waiting=waiting,
        readiness=ReadinessCheck(storage, client),
        presenter=OperationPresenter(
            retention=timedelta(days=settings.operation_retention_days),
            temporal_ui_url=None if settings.temporal_ui_url is None else linked_url(settings.temporal_ui_url),
            temporal_namespace=client.namespace,
        ),
        gates=Gates(
            lifecycle_enabled=settings.workflow_lifecycle_enabled,
            support_apis_enabled=settings.support_apis_enabled,
            async_operations_enabled=settings.async_operations_enabled,
        ),
        flags=_flags(settings),
    )


def _flags(settings: Settings) -> dict[str, bool]:
    """The flags by the names of the contract, in its order."""
    return {
        "lifecycle_enabled": settings.workflow_lifecycle_enabled,
        "support_apis_enabled": settings.support_apis_enabled,
        "async_operations_enabled": settings.async_operations_enabled,
        "store_evidence_bundle": settings.store_evidence_bundle,
        "require_expected_state": settings.require_expected_state,
        "allow_portfolio_id_change_on_new_version": settings.allow_portfolio_change_on_new_version,
        "require_proposal_simulation_flag": settings.require_simulation_flag,
    }

"""The API process put together: its resources in order, and one container of the services for endpoints."""

import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from temporalio.client import Client

from api.gates import Gates
from api.http.authentication import Authenticator, authentication
from api.http.body import READ_AT_ONCE, SLOT_WAIT_SECONDS, BodyReader
from api.http.limits import LargeAnswers
from api.http.metrics import BacklogMetrics, LoadMetrics, RefusalMetrics
from domain.lifecycle import ReviewRules
from runtime.background import background
from runtime.database import Database
from runtime.engine_pool import EnginePool
from runtime.memory import freeze_gc
from runtime.metrics import ProcessMetrics
from runtime.settings import Settings
from runtime.shown_url import workflows_url
from runtime.temporal import connect
from services.adoption import Adoption
from services.batch_reads import BatchReadService
from services.callback_target import CallbackTargets
from services.cancellation import CancellationService, WorkflowCanceller
from services.lifecycle import ProposalWorkflowService
from services.lookup import LookupService
from services.open_operations import OpenOperationLimit
from services.prepared_batch import BatchLimits
from services.process_pool import ProcessPool
from services.proposal_reads import ProposalReadService
from services.readiness import ReadinessService
from services.redelivery import RedeliveryService
from services.retrying import RetryService
from services.simulation import SimulationService
from services.start_queue import StartQueue
from services.start_sources import DeliverySource, OperationSource
from services.submission import SubmissionService
from services.temporal_workflows import WorkflowStarter
from services.waiting import SynchronousWaitService, WaitService
from storage.listener import TerminalListener
from storage.unit_of_work import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationTerms:
    """The settings that every shown operation depends on: retention, and the address of its workflow's page."""

    retention: timedelta
    workflows_url: str | None

    def workflow_url(self, operation_id: str) -> str | None:
        return None if self.workflows_url is None else f"{self.workflows_url}/{operation_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """All process-wide objects; endpoints find them in their `Context`."""

    authenticator: Authenticator
    bodies: BodyReader
    answers: LargeAnswers
    readers: ProcessPool
    submission: SubmissionService
    simulation: SimulationService
    synchronous: SynchronousWaitService
    reviews: ProposalWorkflowService
    proposals: ProposalReadService
    lookup: LookupService
    batches: BatchReadService
    cancellation: CancellationService
    retrying: RetryService
    waiting: WaitService
    redelivery: RedeliveryService
    readiness: ReadinessService
    terms: OperationTerms
    gates: Gates
    flags: Mapping[str, bool]
    metrics: ProcessMetrics
    backlog: BacklogMetrics


@asynccontextmanager
async def running_services(
    settings: Settings, metrics: ProcessMetrics, listener: TerminalListener
) -> AsyncIterator[Services]:
    """The services of these settings, while the block lasts; nothing in them outlives the resources."""
    dsn = settings.database_url.get_secret_value()
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        database = await enter(
            Database(dsn, pool_size=settings.database_pool_size, application_name="proposals-api").running()
        )
        listen = partial(listener.listen, partial(database.watching, "proposals-listener"))
        await enter(background(listen, name="operation-listener"))
        metrics.watch(database)
        runtime = await enter(metrics.running())
        client = await connect(
            lazy=True, identity=f"proposals-api-{os.getpid()}@{socket.gethostname()}", runtime=runtime
        )
        pool = partial(
            EnginePool,
            seconds=settings.compute_seconds,
            memory_mb=settings.compute_memory_mb,
            turn_seconds=SLOT_WAIT_SECONDS,
        )
        engine = await enter(pool(settings.engine_processes).running())
        readers = await enter(pool(READ_AT_ONCE).running())
        authenticator = await enter(authentication(settings))
        storage = Storage(database, on_ended=metrics.operation_ended)
        public_url = settings.public_url
        operations = OperationSource(
            storage, client, max_started=settings.max_started_operations, public_url=public_url
        )
        deliveries = DeliverySource(storage, client, public_url=public_url)
        starts = StartQueue(storage, WorkflowStarter(client), [operations, deliveries])
        start_soon, policy = partial(starts.start_soon, operations), settings.policy()
        stack.push_async_callback(starts.drain)
        await enter(background(starts.start_round, name="workflow-starter"))
        lookup, waiting = LookupService(storage), WaitService(listener)
        readiness = ReadinessService(storage, client, authentication=lambda: authenticator.state)
        cancellation = await enter(CancellationService(storage, lookup, WorkflowCanceller(client, storage)).running())
        limit = OpenOperationLimit(
            settings.max_open_operations,
            per_client=settings.max_open_operations_per_client,
            batches=settings.max_open_batches,
            on_refused=RefusalMetrics(metrics.registry).refused,
        )
        adoption = Adoption(storage, engine)
        backlog = BacklogMetrics(storage, readiness)
        bodies = BodyReader(
            readers,
            max_bytes=settings.max_body_bytes,
            max_rows=settings.max_request_rows,
            is_strict=settings.strict_requests,
            batches=BatchLimits(
                max_runs=settings.max_batch_runs,
                max_rows=settings.max_batch_rows,
                max_rows_of_run=settings.max_request_rows,
            ),
        )
        answers = LargeAnswers()
        metrics.registry.register(backlog)
        metrics.registry.register(LoadMetrics(listener, bodies.unread, answers))
        freeze_gc()
        yield Services(
            authenticator=authenticator,
            bodies=bodies,
            answers=answers,
            readers=readers,
            submission=SubmissionService(
                storage,
                start_soon,
                policy=policy,
                large_request_rows=settings.large_request_rows,
                limit=limit,
                judge_callback=CallbackTargets(settings.callback_rules).refusal,
                adoption=adoption,
            ),
            simulation=SimulationService(storage, engine, large_request_rows=settings.large_request_rows),
            synchronous=SynchronousWaitService(
                lookup, waiting, starts.temporal_unavailable, max_seconds=settings.sync_wait_seconds
            ),
            reviews=ProposalWorkflowService(storage, _review_rules(settings)),
            proposals=ProposalReadService(storage),
            lookup=lookup,
            batches=BatchReadService(storage, lookup),
            cancellation=cancellation,
            retrying=RetryService(
                storage,
                lookup,
                start_soon,
                policy=policy,
                limit=limit,
                adoption=adoption,
            ),
            waiting=waiting,
            redelivery=RedeliveryService(storage, lookup, partial(starts.start_soon, deliveries)),
            readiness=readiness,
            terms=_terms(settings, client),
            gates=Gates.of(settings),
            flags=_flags(settings),
            metrics=metrics,
            backlog=backlog,
        )


def _review_rules(settings: Settings) -> ReviewRules:
    return ReviewRules(
        require_expected_state=settings.require_expected_state,
        strict_version_binding=settings.strict_version_binding,
        four_eyes=settings.four_eyes,
    )


def _terms(settings: Settings, client: Client) -> OperationTerms:
    shown = settings.temporal_ui_url
    return OperationTerms(
        retention=timedelta(days=settings.operation_retention_days),
        workflows_url=None if shown is None else workflows_url(shown, namespace=client.namespace),
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

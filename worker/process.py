"""The worker's process: resources in order, four workers, and a grace for what is under way."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from activities.metrics import WorkerMetrics
from runtime.background import background
from runtime.database import Database
from runtime.engine_pool import EnginePool
from runtime.memory import freeze_gc
from runtime.metrics import ProcessMetrics
from runtime.settings import Settings
from runtime.temporal import WORKER_IDENTITY, connect_with_back_off
from services.purging import Periods
from services.race import race
from storage.unit_of_work import Storage
from worker.one_argument import OneArgument
from worker.registry import (
    Dependencies,
    batch_activities,
    callback_activities,
    callback_workflows,
    housekeeping_activities,
    housekeeping_workflows,
    proposal_activities,
    proposal_workflows,
)
from worker.upkeep import keep_temporal_prepared
from workflows.identity import BATCHES_QUEUE, CALLBACKS_QUEUE, HOUSEKEEPING_QUEUE, PROPOSALS_QUEUE

CONCURRENT_CALLBACKS: Final = 50

log = structlog.get_logger(__name__)


async def run(settings: Settings, *, stop: asyncio.Event, process_metrics: ProcessMetrics) -> None:
    """Work until `stop` is set. A worker that fails cancels this: the process ends, and its supervisor restarts it."""
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(process_metrics.running())
        identity = f"{WORKER_IDENTITY}-{os.getpid()}@{socket.gethostname()}"
        client = await race(connect_with_back_off(identity=identity, runtime=runtime), stop.wait())
        if client is None:
            return
        database = await stack.enter_async_context(
            Database(
                settings.database_url.get_secret_value(),
                pool_size=settings.database_pool_size,
                application_name="proposals-worker",
            ).running()
        )
        process_metrics.watch(database)
        pool = await stack.enter_async_context(
            EnginePool(
                settings.engine_processes, seconds=settings.compute_seconds, memory_mb=settings.compute_memory_mb
            ).running()
        )
        dependencies = Dependencies(
            storage=Storage(database, on_ended=process_metrics.operation_ended),
            client=client,
            pool=pool,
            periods=Periods(
                operations=timedelta(days=settings.operation_retention_days),
                keys=timedelta(days=settings.idempotency_retention_days),
            ),
            callback_rules=settings.callback_rules,
            egress_proxy=settings.proxy,
            max_started=settings.max_started_operations,
            metrics=WorkerMetrics(process_metrics.registry, signs_evidence=settings.signing_key is not None),
            evidence_key=settings.signing_key,
        )
        keep_prepared = partial(keep_temporal_prepared, client, checkpoints=dependencies.evidence_key is not None)
        await keep_prepared()
        for worker in _workers(settings, client, dependencies):
            await stack.enter_async_context(worker)
        marking = partial(dependencies.under_way.mark_running, dependencies.storage)
        await stack.enter_async_context(background(marking, name="running-marks"))
        await stack.enter_async_context(background(keep_prepared, name="temporal-upkeep"))
        freeze_gc()
        log.info("worker_polling", task_queues=[PROPOSALS_QUEUE, BATCHES_QUEUE, CALLBACKS_QUEUE, HOUSEKEEPING_QUEUE])
        await stop.wait()
        log.info("worker_stopping", grace_seconds=settings.shutdown_grace_seconds)


def _workers(settings: Settings, client: Client, dependencies: Dependencies) -> list[Worker]:
    deployment = _deployment(settings, VersioningBehavior.PINNED)
    worker = partial(
        Worker,
        client,
        # The sandbox takes a third of its time; it watches in the tests: docs/adr/0027-the-sandbox-is-in-the-tests.md
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=[OneArgument()],
        graceful_shutdown_timeout=timedelta(seconds=settings.shutdown_grace_seconds),
    )
    return [
        worker(
            task_queue=HOUSEKEEPING_QUEUE,
            workflows=housekeeping_workflows(),
            activities=housekeeping_activities(dependencies),
            # Pinned, the workflow that goes on for ever would stay with the version that began it.
            deployment_config=_deployment(settings, VersioningBehavior.AUTO_UPGRADE),
            max_concurrent_activities=3,  # purge and checkpoint begin at the same time, and reconcile waits for neither
            max_concurrent_workflow_tasks=2,
        ),
        worker(
            task_queue=CALLBACKS_QUEUE,
            workflows=callback_workflows(),
            activities=callback_activities(dependencies),
            deployment_config=deployment,
            max_concurrent_activities=CONCURRENT_CALLBACKS,
            max_concurrent_workflow_tasks=10,
        ),
        worker(
            task_queue=BATCHES_QUEUE,
            activities=batch_activities(dependencies),
            deployment_config=deployment,
            # One more than can compute: it reads and commits meanwhile.
            max_concurrent_activities=settings.engine_processes + 1,
        ),
        worker(
            task_queue=PROPOSALS_QUEUE,
            workflows=proposal_workflows(),
            activities=proposal_activities(dependencies),
            deployment_config=deployment,
            max_concurrent_workflow_tasks=settings.worker_workflow_tasks,
            max_concurrent_local_activities=settings.worker_local_activities,
            max_concurrent_activities=settings.worker_activities,
        ),
    ]


def _deployment(settings: Settings, behavior: VersioningBehavior) -> WorkerDeploymentConfig | None:
    """The version that these workers are of, when they are of one: pinned workflows then end where they began."""
    if settings.worker_build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(
            deployment_name=settings.worker_deployment_name, build_id=settings.worker_build_id
        ),
        use_worker_versioning=True,
        default_versioning_behavior=behavior,
    )

"""Search attributes, schedules and the reconcile workflow in Temporal: created at start, and again after data loss."""

from typing import Final

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from runtime.temporal import register_search_attributes, temporal_problem
from services.temporal_workflows import OwnWorkflow, describe, end_foreign, is_own
from workflows.identity import HOUSEKEEPING_QUEUE, RECONCILE_ID, RECONCILE_OPERATIONS, SEARCH_ATTRIBUTES
from workflows.messages import HousekeepingInput
from workflows.schedules import create_missing_schedules, stop_reconciling_by_schedule

INTERVAL_SECONDS: Final = 10.0
RECONCILE: Final = OwnWorkflow(
    workflow_id=RECONCILE_ID, workflow_type=RECONCILE_OPERATIONS, task_queue=HOUSEKEEPING_QUEUE
)

log = structlog.get_logger(__name__)


async def keep_temporal_prepared(client: Client, *, checkpoints: bool) -> float:
    """Create and start what is missing; returns the seconds until the next look.

    `checkpoints`: whether this worker has a key to sign them with.
    """
    try:
        attributes = await register_search_attributes(client, SEARCH_ATTRIBUTES)
        schedules = await create_missing_schedules(client, checkpoints=checkpoints)
        is_replaced = await stop_reconciling_by_schedule(client)
        is_started = await start_reconcile(client)
    except (RPCError, RuntimeError) as failure:
        log.warning("temporal_not_prepared", reason=temporal_problem(failure))
        return INTERVAL_SECONDS
    if attributes or schedules or is_replaced or is_started:
        log.info(
            "temporal_prepared",
            search_attributes=attributes,
            schedules=schedules,
            reconcile_schedule_replaced=is_replaced,
            reconcile_started=is_started,
        )
    return INTERVAL_SECONDS


async def start_reconcile(client: Client) -> bool:
    """Start the one workflow that reconciles, unless it runs; whether it did not. Raises RPCError."""
    try:
        described = await describe(client, RECONCILE_ID)
    except RPCError as failure:
        if failure.status is not RPCStatusCode.NOT_FOUND:
            raise
    else:
        if described.is_open:
            if await is_own(client, described, RECONCILE):
                return False
            await end_foreign(client, described)
    await client.start_workflow(
        RECONCILE_OPERATIONS,
        HousekeepingInput(),
        id=RECONCILE_ID,
        task_queue=HOUSEKEEPING_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary="Looks every ten seconds at open operations that make no progress",
        static_details=f"To stop it for a while, pause the schedule `{RECONCILE_ID}`.",
    )
    return True

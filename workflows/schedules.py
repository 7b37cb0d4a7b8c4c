"""What runs by the clock, as the code wants it; any process may apply it, and applying twice is fine."""

from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
)

from workflows.identity import HOUSEKEEPING_QUEUE, PURGE_OPERATIONS, RECONCILE_OPERATIONS
from workflows.messages import PurgeInput, ReconcileInput

RECONCILE_SCHEDULE_ID: Final = "reconcile-operations"
RECONCILE_INTERVAL: Final = timedelta(seconds=10)
PURGE_SCHEDULE_ID: Final = "purge-operations"
PURGE_INTERVAL: Final = timedelta(hours=1)


def wanted_schedules() -> dict[str, Schedule]:
    """Schedules by id. The catch-up window is short: the next run does all that a missed one would have done."""
    return {
        RECONCILE_SCHEDULE_ID: Schedule(
            action=ScheduleActionStartWorkflow(
                RECONCILE_OPERATIONS,
                ReconcileInput(),
                id=RECONCILE_SCHEDULE_ID,
                task_queue=HOUSEKEEPING_QUEUE,
                execution_timeout=timedelta(minutes=5),
                static_summary="Look at open operations that make no progress",
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=RECONCILE_INTERVAL)]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1)),
        ),
        PURGE_SCHEDULE_ID: Schedule(
            action=ScheduleActionStartWorkflow(
                PURGE_OPERATIONS,
                PurgeInput(),
                id=PURGE_SCHEDULE_ID,
                task_queue=HOUSEKEEPING_QUEUE,
                execution_timeout=timedelta(hours=4),
                static_summary="Remove operations, keys and documents that were kept for long enough",
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=PURGE_INTERVAL)]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=5)),
        ),
    }


async def create_missing_schedules(client: Client) -> list[str]:
    """Create the schedules that are not there and leave the others alone; answers the ids that were created."""
    created = []
    for schedule_id, schedule in wanted_schedules().items():
        try:
            await client.create_schedule(schedule_id, schedule, trigger_immediately=True)
        except ScheduleAlreadyRunningError:
            continue
        created.append(schedule_id)
    return created


async def apply_schedules(client: Client) -> list[str]:
    """Make every schedule as this code wants it; answers all their ids."""
    created = await create_missing_schedules(client)
    for schedule_id, schedule in wanted_schedules().items():
        if schedule_id not in created:
            await _replace(client, schedule_id, schedule)
    return list(wanted_schedules())


async def _replace(client: Client, schedule_id: str, schedule: Schedule) -> None:
    await client.get_schedule_handle(schedule_id).update(lambda _: ScheduleUpdate(schedule))

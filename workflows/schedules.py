"""The schedules in Temporal. Any process may apply them, and applying them twice is harmless."""

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
    ScheduleUpdateInput,
)
from temporalio.service import RPCError

from workflows.identity import (
    CHECKPOINT_EVIDENCE,
    CHECKPOINT_ID,
    HOUSEKEEPING_QUEUE,
    PURGE_ID,
    PURGE_OPERATIONS,
    RECONCILE_ID,
    RECONCILE_OPERATIONS,
)
from workflows.messages import HousekeepingInput

PURGE_INTERVAL: Final = timedelta(hours=1)
CHECKPOINT_INTERVAL: Final = timedelta(hours=1)
RPC_TIMEOUT: Final = timedelta(seconds=1)


def wanted_schedules() -> dict[str, Schedule]:
    """Schedules by id. The catch-up window is short: the next run does all that a missed one would have done.

    That of reconcile has no times: the workflow of this id goes on by itself, and consults whether the schedule is
    paused. It is the switch that an operator finds in Temporal's UI.
    """
    return {
        RECONCILE_ID: Schedule(
            action=ScheduleActionStartWorkflow(
                RECONCILE_OPERATIONS,
                HousekeepingInput(),
                id=RECONCILE_ID,
                task_queue=HOUSEKEEPING_QUEUE,
                execution_timeout=timedelta(minutes=5),
                static_summary="Look once at open operations that make no progress",
            ),
            spec=ScheduleSpec(),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1)),
        ),
        PURGE_ID: Schedule(
            action=ScheduleActionStartWorkflow(
                PURGE_OPERATIONS,
                HousekeepingInput(),
                id=PURGE_ID,
                task_queue=HOUSEKEEPING_QUEUE,
                execution_timeout=timedelta(hours=4),
                static_summary="Remove operations, keys and documents that were kept for long enough",
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=PURGE_INTERVAL)]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=5)),
        ),
        CHECKPOINT_ID: Schedule(
            action=ScheduleActionStartWorkflow(
                CHECKPOINT_EVIDENCE,
                HousekeepingInput(),
                id=CHECKPOINT_ID,
                task_queue=HOUSEKEEPING_QUEUE,
                execution_timeout=timedelta(hours=1),
                static_summary="Sign where the trails of all proposals end",
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=CHECKPOINT_INTERVAL)]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=5)),
        ),
    }


def _schedules_of(*, checkpoints: bool) -> dict[str, Schedule]:
    """Those of a deployment; checkpoints take a key to sign with."""
    return {name: schedule for name, schedule in wanted_schedules().items() if checkpoints or name != CHECKPOINT_ID}


async def create_missing_schedules(client: Client, *, checkpoints: bool) -> list[str]:
    """Create the schedules that are not there and leave the others alone; returns the created ids."""
    created = []
    for schedule_id, schedule in _schedules_of(checkpoints=checkpoints).items():
        try:
            await client.create_schedule(schedule_id, schedule, trigger_immediately=schedule_id != RECONCILE_ID)
        except ScheduleAlreadyRunningError:
            continue
        created.append(schedule_id)
    return created


async def apply_schedules(client: Client, *, checkpoints: bool) -> list[str]:
    """Make every schedule as this code wants it, and leave a paused one paused; returns all ids."""
    created = await create_missing_schedules(client, checkpoints=checkpoints)
    wanted = list(_schedules_of(checkpoints=checkpoints))
    for schedule_id in wanted:
        if schedule_id not in created:
            await _replace(client, schedule_id)
    return wanted


async def stop_reconciling_by_schedule(client: Client) -> bool:
    """Take its times from the schedule of an earlier release, and of its workers that still run; whether it had any."""
    described = await client.get_schedule_handle(RECONCILE_ID).describe(rpc_timeout=RPC_TIMEOUT)
    if not described.schedule.spec.intervals:
        return False
    await _replace(client, RECONCILE_ID)
    return True


async def is_reconcile_paused(client: Client) -> bool:
    """Whether an operator has paused it; no, while Temporal cannot say."""
    try:
        described = await client.get_schedule_handle(RECONCILE_ID).describe(rpc_timeout=RPC_TIMEOUT)
    except (RPCError, RuntimeError):
        return False
    return described.schedule.state.paused


async def _replace(client: Client, schedule_id: str) -> None:
    def wanted(found: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = wanted_schedules()[schedule_id]
        schedule.state = found.description.schedule.state
        return ScheduleUpdate(schedule)

    await client.get_schedule_handle(schedule_id).update(wanted)

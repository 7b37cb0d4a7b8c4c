"""Time-outs and retries of the steps: one named set for each kind of step."""

from datetime import timedelta
from typing import Final, TypedDict

from temporalio.common import RetryPolicy

from workflows.identity import BATCHES_QUEUE


class LocalOptions(TypedDict):
    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    retry_policy: RetryPolicy


class ActivityOptions(TypedDict, total=False):
    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy
    task_queue: str


# A workflow's task is held while a local activity runs: two quick tries, never a wait for a dependency.
LOCAL: Final[LocalOptions] = {
    "start_to_close_timeout": timedelta(seconds=3),
    "schedule_to_close_timeout": timedelta(seconds=5),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=1), maximum_attempts=2
    ),
}

# An outage is waited out here, where the operator sees the pending activity and its last failure. The number of tries
# is unlimited because only the boundary knows an outage from a bug; it ends bugs itself (activities/boundary.py).
_PATIENT: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=5)
)
NORMAL: Final[ActivityOptions] = {
    "start_to_close_timeout": timedelta(seconds=10),
    "schedule_to_close_timeout": timedelta(hours=24),
    "retry_policy": _PATIENT,
}

# A computing step waits its turn in the process pool and heartbeats meanwhile; 4 s without a beat means a dead worker.
# The pool ends what takes too long (runtime/engine_pool.py): no step runs out of this time because of what it computes.
COMPUTE: Final[ActivityOptions] = {
    "start_to_close_timeout": timedelta(hours=24),
    "schedule_to_close_timeout": timedelta(hours=24),
    "heartbeat_timeout": timedelta(seconds=4),
    "retry_policy": _PATIENT,
}

# A turn of a lane ends by itself after ten seconds and the chunk that it is at. Batches have slots of their own: they
# wait for each other, and no create waits for them.
BATCH: Final[ActivityOptions] = {**COMPUTE, "task_queue": BATCHES_QUEUE}

# Ten seconds of an attempt, and time to record it. An outage of the database is waited out for as long as it lasts: the
# callback is still due. What a receiver does is no failure of this step: the workflow's own timers have its schedule.
DELIVER: Final[ActivityOptions] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=30)
    ),
}

# Reconcile looks again in 10 s anyway: one short try, no memory of failures.
RECONCILE: Final[ActivityOptions] = {
    "start_to_close_timeout": timedelta(seconds=5),
    "retry_policy": RetryPolicy(maximum_attempts=1),
}

RECONCILE_INTERVAL: Final = timedelta(seconds=10)
RECONCILE_RUN: Final = timedelta(minutes=30)  # one closed workflow for each, of some 3,000 events

# A purge beats after each of its short transactions; rows that a try removed stay removed.
PURGE: Final[ActivityOptions] = {
    "start_to_close_timeout": timedelta(minutes=2),
    "heartbeat_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=10), maximum_attempts=5),
}

# A million proposals take half a minute. A repeat after a lost result takes another checkpoint, which is as true.
CHECKPOINT: Final[ActivityOptions] = {
    "start_to_close_timeout": timedelta(minutes=10),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=10), maximum_attempts=5),
}

TASK_TIMEOUT: Final = timedelta(seconds=5)  # after kill -9 of a worker its workflows go on when this has passed
EXECUTION_TIMEOUT: Final = timedelta(hours=25)  # an hour more than a step may wait: the step's own time-out comes first

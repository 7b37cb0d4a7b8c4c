"""What Temporal alone can do here: a workflow of three local activities that do nothing."""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

TASK_QUEUE = "bench-bare-engine"


@activity.defn
async def nothing() -> None:
    return


@workflow.defn
class ThreeLocalSteps:
    @workflow.run
    async def run(self) -> None:
        for _ in range(3):
            await workflow.execute_local_activity(nothing, start_to_close_timeout=timedelta(seconds=5))


def bare_worker(client: Client) -> Worker:
    return Worker(client, task_queue=TASK_QUEUE, workflows=[ThreeLocalSteps], activities=[nothing])

"""What Temporal alone can do here: a workflow of three local activities that do nothing.

`python -m bench.bare_engine ADDRESS` runs its worker, a process of its own as the service's is.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError
from temporalio.worker import Worker

TASK_QUEUE: Final = "bench-bare-engine"


@activity.defn
async def nothing() -> None:
    return


@workflow.defn
class ThreeLocalSteps:
    @workflow.run
    async def run(self) -> None:
        for _ in range(3):
            await workflow.execute_local_activity(nothing, start_to_close_timeout=timedelta(seconds=5))


class EngineClient:
    """A client of the engine itself; a start is what it promises."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def submit(self, mark: str) -> WorkflowHandle[Any, None]:
        """Once, however often it is asked for, as the service starts its own."""
        try:
            return await self._client.start_workflow(
                ThreeLocalSteps.run,
                id=mark,
                task_queue=TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
        except WorkflowAlreadyStartedError:
            return self._client.get_workflow_handle(mark)

    async def finish(self, accepted: WorkflowHandle[Any, None]) -> None:
        await accepted.result()


def clients_of(client: Client) -> Any:
    @contextlib.asynccontextmanager
    async def connect(_: int) -> AsyncIterator[EngineClient]:
        yield EngineClient(client)

    return connect


async def completed(client: Client, marks: list[str]) -> list[str]:
    done = []
    for mark in marks:
        with contextlib.suppress(RPCError):
            if (await client.get_workflow_handle(mark).describe()).status is WorkflowExecutionStatus.COMPLETED:
                done.append(mark)
    return done


async def main(address: str) -> None:
    client = await Client.connect(address)
    await Worker(client, task_queue=TASK_QUEUE, workflows=[ThreeLocalSteps], activities=[nothing]).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

"""Whether this process can serve: PostgreSQL decides, its schema and whether it takes writes; the rest is reported."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError
from typing_extensions import TypeAliasType

from domain.errors import StorageUnavailable
from storage.unit_of_work import Storage
from workflows.identity import PROPOSALS_QUEUE

CHECK_SECONDS: Final = 1.5
RECENT_POLL_SECONDS: Final = 90  # Temporal notes when a poll begins, and holds it for up to a minute

UNREACHABLE: Final = "PostgreSQL cannot be reached."

AuthenticationState = TypeAliasType("AuthenticationState", Literal["off", "ok", "degraded"])
ReadyStatus = TypeAliasType("ReadyStatus", Literal["ok", "degraded", "unavailable"])
ComponentState = TypeAliasType(
    "ComponentState", Literal["ok", "unreachable", "schema_too_old", "cannot_write", "no_pollers"]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    database: ComponentState
    temporal: ComponentState
    workers: ComponentState
    authentication: AuthenticationState
    reason: str | None = None  # one sentence about the database, when it is not well

    @property
    def is_serving(self) -> bool:
        return self.database == "ok"

    @property
    def status(self) -> ReadyStatus:
        if not self.is_serving:
            return "unavailable"
        is_whole = self.temporal == self.workers == "ok" and self.authentication != "degraded"
        return "ok" if is_whole else "degraded"


class ReadinessService:
    def __init__(self, storage: Storage, client: Client, *, authentication: Callable[[], AuthenticationState]) -> None:
        self._storage = storage
        self._client = client
        self._authentication = authentication

    async def readiness(self) -> Readiness:
        """The state of each dependency, within two seconds."""
        (database, reason), (temporal, workers) = await asyncio.gather(self._database(), self._temporal())
        return Readiness(
            database=database,
            temporal=temporal,
            workers=workers,
            authentication=self._authentication(),
            reason=reason,
        )

    async def _database(self) -> tuple[ComponentState, str | None]:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                problem = await self._storage.problem()
        except (StorageUnavailable, TimeoutError):
            problem = self._storage.known_problem
            if problem is None:
                return "unreachable", UNREACHABLE
        return ("ok", None) if problem is None else (problem.state, problem.reason)

    async def _temporal(self) -> tuple[ComponentState, ComponentState]:
        workers = await polling_workers(self._client, seconds=CHECK_SECONDS)
        if workers is None:
            return "unreachable", "unreachable"
        return "ok", "ok" if workers else "no_pollers"


async def polling_workers(client: Client, *, seconds: float) -> list[str] | None:
    """Identities of the workers that poll for proposals' workflow tasks; None if Temporal does not say in time."""
    try:
        pollers = await _pollers(client, PROPOSALS_QUEUE, seconds=seconds)
    except (RPCError, RuntimeError, OSError):
        return None
    now = Timestamp()
    now.GetCurrentTime()
    return [
        poller.identity for poller in pollers if now.seconds - poller.last_access_time.seconds <= RECENT_POLL_SECONDS
    ]


async def last_poll(client: Client, task_queue: str) -> datetime | None:
    """When a worker last asked for workflow tasks; None after some minutes without one. Raises RPCError."""
    pollers = await _pollers(client, task_queue, seconds=CHECK_SECONDS)
    return max((poller.last_access_time.ToDatetime(tzinfo=UTC) for poller in pollers), default=None)


async def _pollers(client: Client, task_queue: str, *, seconds: float) -> Sequence[PollerInfo]:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    async with asyncio.timeout(seconds):
        return (await client.workflow_service.describe_task_queue(request)).pollers

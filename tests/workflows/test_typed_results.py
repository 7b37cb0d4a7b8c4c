"""What an operator types into an activity, and workflows that are started by hand, against the real steps and rows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from builders import a_stored_operation, without_simulation_flag
from sandbox import sandboxed_runner
from storage_rows import InProcess, all_the_room
from temporalio import activity
from temporalio.client import AsyncActivityHandle, Client, WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import Worker
from waiting import PATIENCE_SECONDS
from worker_dependencies import some_dependencies

from domain.errors import StorageUnavailable
from services.lookup import LookupService
from services.replay import replay
from services.temporal_workflows import WorkflowStarter
from services.workflow_starts import operation_start
from storage.unit_of_work import Storage
from worker.registry import proposal_activities, proposal_workflows
from workflows.identity import PROPOSALS_QUEUE
from workflows.messages import (
    BuildArtifactInput,
    BuildArtifactResult,
    CreateInput,
    FinishInput,
    FinishResult,
    OperationOutcome,
    PersistInput,
    PersistResult,
    SimulateInput,
    SimulateResult,
)

TYPED = "words of an operator 4711"
INTERNAL = ("FAILED", "ProposalInternalError", "OPERATION_INTERNAL_ERROR")
MESSAGES = {
    "simulate": (SimulateInput, SimulateResult),
    "build_artifact": (BuildArtifactInput, BuildArtifactResult),
    "persist": (PersistInput, PersistResult),
    "finish": (FinishInput, FinishResult),
}


def name_of(function: Callable[..., Awaitable[Any]]) -> str:
    name: str = function.__temporal_activity_definition.name  # type: ignore[attr-defined]  # the SDK's own mark
    return name


class Outage:
    """The real steps, but the database is unavailable for one of them for a while; `hangs` makes the step slow."""

    def __init__(self, storage: Storage, client: Client, step: str | None, *, hangs: bool = False) -> None:
        self._is_over = False
        self._hangs = hangs
        dependencies = some_dependencies(storage=storage, client=client, pool=InProcess())
        real = {name_of(function): function for function in proposal_activities(dependencies)}
        if step is not None:
            real[step] = self._gated(step, real[step])
        self.activities = list(real.values())

    def over(self) -> None:
        self._is_over = True

    def _gated(self, step: str, real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def gated(argument: Any) -> Any:
            if self._hangs and not activity.info().is_local:
                await asyncio.sleep(60)
            if not self._is_over:
                raise ApplicationError("the database cannot be reached", type=StorageUnavailable.__name__)
            return await real(argument)

        gated.__annotations__ = dict(zip(("argument", "return"), MESSAGES[step], strict=True))
        return activity.defn(name=step)(gated)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One operator's view: a client of Temporal and the rows."""

    storage: Storage
    client: Client

    async def started(self, operation_id: str) -> None:
        async with self.storage.reading() as reading:
            operation = await reading.operations.get(operation_id)
        assert operation is not None
        await WorkflowStarter(self.client).start(operation_start(operation, public_url=None))

    async def pending(self, workflow_id: str, step: str, *, is_tried: bool = True) -> AsyncActivityHandle:
        """The normal activity of this step, between two tries, or while it is tried for the first time."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                described = await self.client.get_workflow_handle(workflow_id).describe()
                for found in described.raw_description.pending_activities:
                    seen = "last_failure" if is_tried else "last_started_time"
                    if found.activity_type.name == step and found.HasField(seen):
                        return self.client.get_async_activity_handle(
                            workflow_id=workflow_id, run_id=described.run_id, activity_id=found.activity_id
                        )
                await asyncio.sleep(0.1)

    async def row(self, operation_id: str) -> tuple[str, str | None, str | None]:
        found = await LookupService(self.storage).operation(operation_id, client="local")
        return (found.status.value, found.error_code, found.error_message)

    async def end(self, workflow_id: str) -> str:
        """What its page says at last: the message of its failure, or its result."""
        handle = self.client.get_workflow_handle(workflow_id)
        try:
            return str(await asyncio.wait_for(handle.result(), PATIENCE_SECONDS))
        except WorkflowFailureError as failure:
            cause = failure.cause
        if isinstance(cause, ActivityError):
            cause = cause.cause
        assert isinstance(cause, ApplicationError)
        return cause.message


@asynccontextmanager
async def working(storage: Storage, client: Client, outage: Outage) -> AsyncIterator[Desk]:
    async with Worker(
        client,
        task_queue=PROPOSALS_QUEUE,
        workflows=proposal_workflows(),
        activities=outage.activities,
        workflow_runner=sandboxed_runner(),
    ):
        yield Desk(storage=storage, client=client)


def invented(operation_id: str) -> OperationOutcome:
    return OperationOutcome(
        operation_id=operation_id,
        status="SUCCEEDED",
        proposal_id=f"pp_{TYPED}",
        version_no=7,
        simulation_status=TYPED,
        artifact_hash=TYPED,
        has_callback=True,
    )


def words(operation_id: str) -> OperationOutcome:
    return invented(operation_id).model_copy(
        update={"status": "FAILED", "error_code": "ProposalValidationError", "error_message": TYPED}
    )


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("outcome", [invented, words])
@pytest.mark.parametrize("step", ["simulate", "build_artifact", "persist"])
async def test_an_outcome_that_is_typed_into_a_step_is_not_believed(
    storage: Storage, temporal_client: Client, database_dsn, step, outcome, is_large
):
    operation_id = (await a_stored_operation(storage)).operation_id
    if is_large:
        with psycopg.connect(database_dsn) as connection:
            connection.execute("UPDATE operations SET is_large = true")
    async with working(storage, temporal_client, outage := Outage(storage, temporal_client, step)) as desk:
        await desk.started(operation_id)
        pending = await desk.pending(operation_id, step)
        told = outcome(operation_id)
        typed = {
            "simulate": SimulateResult(ended=told),
            "build_artifact": BuildArtifactResult(ended=told),
            "persist": PersistResult(outcome=told),
        }
        await pending.complete(typed[step])
        assert await desk.end(operation_id) == "OPERATION_INTERNAL_ERROR"
        assert await desk.row(operation_id) == INTERNAL
        outage.over()


async def simulation_typed(storage: Storage, client: Client, operation_id: str) -> str:
    """How the operation's workflow ends when its simulation is typed."""
    async with working(storage, client, Outage(storage, client, "simulate")) as desk:
        await desk.started(operation_id)
        pending = await desk.pending(operation_id, "simulate")
        await pending.complete(SimulateResult(result_document=TYPED, simulation_status=TYPED, simulation_hash=TYPED))
        return await desk.end(operation_id)


async def test_a_simulation_that_is_typed_ends_in_no_row(storage: Storage, temporal_client: Client, database_dsn):
    """The later steps make what they miss; they take nothing over."""
    operation_id = (await a_stored_operation(storage)).operation_id
    assert "SUCCEEDED" in await simulation_typed(storage, temporal_client, operation_id)
    created = await LookupService(storage).result(
        await LookupService(storage).operation(operation_id, client="local"), room=all_the_room
    )
    assert created is not None
    assert (await replay(storage, created.version.version.proposal_version_id)).is_same
    with psycopg.connect(database_dsn) as connection:
        for table in ("operations", "proposal_versions", "workflow_events"):
            assert TYPED not in str(connection.execute(f"SELECT * FROM {table}").fetchall())


async def test_a_simulation_that_is_typed_permits_none_that_was_not_asked_for(
    storage: Storage, temporal_client: Client
):
    operation_id = (await a_stored_operation(storage, without_simulation_flag())).operation_id
    end = await simulation_typed(storage, temporal_client, operation_id)
    assert end == "PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true"


async def test_an_end_that_is_typed_into_finish_is_not_believed(storage: Storage, temporal_client: Client):
    operation_id = (await a_stored_operation(storage, without_simulation_flag())).operation_id
    async with working(storage, temporal_client, outage := Outage(storage, temporal_client, "finish")) as desk:
        await desk.started(operation_id)
        pending = await desk.pending(operation_id, "finish")
        outage.over()
        await pending.complete(FinishResult(outcome=invented(operation_id)))
        refused = "PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true"
        assert await desk.end(operation_id) == refused
        assert await desk.row(operation_id) == ("FAILED", "ProposalValidationError", refused)


async def test_an_end_that_is_typed_while_the_outage_lasts_is_asked_for_again_when_it_is_over(
    storage: Storage, temporal_client: Client
):
    operation_id = (await a_stored_operation(storage, without_simulation_flag())).operation_id
    async with working(storage, temporal_client, outage := Outage(storage, temporal_client, "finish")) as desk:
        await desk.started(operation_id)
        for _ in range(3):
            pending = await desk.pending(operation_id, "finish")
            await pending.complete(FinishResult(outcome=invented(operation_id)))
        outage.over()
        assert (await desk.end(operation_id)).startswith("PROPOSAL_SIMULATION_DISABLED")
        assert (await desk.row(operation_id))[0] == "FAILED"


@pytest.mark.parametrize("error_class", [None, "ProposalValidationError"])
async def test_a_failure_that_is_typed_is_an_internal_error(storage: Storage, temporal_client: Client, error_class):
    operation_id = (await a_stored_operation(storage)).operation_id
    async with working(storage, temporal_client, Outage(storage, temporal_client, "simulate", hangs=True)) as desk:
        await desk.started(operation_id)
        pending = await desk.pending(operation_id, "simulate", is_tried=False)
        await pending.fail(ApplicationError(TYPED, type=error_class, non_retryable=True))
        assert await desk.end(operation_id) == "OPERATION_INTERNAL_ERROR"
        assert await desk.row(operation_id) == INTERNAL


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("workflow", ["CreateProposal", "CreateVersion"])
async def test_a_workflow_under_another_id_changes_nothing_and_says_so(
    storage: Storage, temporal_client: Client, workflow, is_large
):
    operation_id = (await a_stored_operation(storage)).operation_id
    async with working(storage, temporal_client, Outage(storage, temporal_client, None)) as desk:
        twin = await temporal_client.start_workflow(
            workflow,
            CreateInput(operation_id=operation_id, is_large=is_large),
            id=f"twin-of-{operation_id}",
            task_queue=PROPOSALS_QUEUE,
        )
        assert "not the operation's own" in await desk.end(twin.id)
        assert await desk.row(operation_id) == ("PENDING", None, None)


async def test_cancelling_a_forged_twin_does_not_cancel_the_operation(storage: Storage, temporal_client: Client):
    operation_id = (await a_stored_operation(storage)).operation_id
    async with working(storage, temporal_client, Outage(storage, temporal_client, "simulate")) as desk:
        twin = await temporal_client.start_workflow(
            "CreateProposal",
            CreateInput(operation_id=operation_id, is_large=False),
            id=f"twin-of-{operation_id}",
            task_queue=PROPOSALS_QUEUE,
        )
        await desk.pending(twin.id, "simulate")
        await twin.cancel()
        assert "not the operation's own" in await desk.end(twin.id)
        assert await desk.row(operation_id) == ("PENDING", None, None)


async def test_a_workflow_of_the_other_type_under_the_operations_id_changes_nothing(
    storage: Storage, temporal_client: Client
):
    operation_id = (await a_stored_operation(storage)).operation_id
    async with working(storage, temporal_client, Outage(storage, temporal_client, None)) as desk:
        await temporal_client.start_workflow(
            "CreateVersion",
            CreateInput(operation_id=operation_id, is_large=False),
            id=operation_id,
            task_queue=PROPOSALS_QUEUE,
        )
        assert "not the operation's own" in await desk.end(operation_id)
        assert await desk.row(operation_id) == ("PENDING", None, None)


async def test_an_invented_operation_fails_with_a_plain_text(storage: Storage, temporal_client: Client):
    async with working(storage, temporal_client, Outage(storage, temporal_client, None)) as desk:
        handle = await temporal_client.start_workflow(
            "CreateProposal",
            CreateInput(operation_id="pop_invented", is_large=False),
            id="pop_invented",
            task_queue=PROPOSALS_QUEUE,
        )
        assert "PostgreSQL has no such operation" in await desk.end(handle.id)

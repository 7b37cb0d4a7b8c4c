"""The command `operation`: all that is known of one, on one page: row, workflow, pending failure, delivery."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from cli.output import print_error, print_fields
from cli.settings import settings_or_exit
from domain.errors import OperationExpired, OperationNotFound, ProposalError, StorageUnavailable
from domain.operation import Operation
from domain.timestamps import wire_timestamp
from runtime.database import Database
from runtime.settings import Settings
from runtime.signals import exit_process
from runtime.telemetry import configure_logging
from runtime.temporal import connect
from services.cancellation import Cancellation
from services.lookup import Lookup, expired_error
from services.retrying import Retrying
from services.starting import WorkflowStarter
from services.workflow_cancelling import WorkflowCanceller
from storage.starting import OperationStart
from storage.unit_of_work import Storage
from workflows.identity import workflow_id_of

EXIT_FAILED = 1
EXIT_USAGE = 2

Action = Callable[["_Connections", str], Awaitable[str]]


def operation(
    operation_id: Annotated[str, typer.Argument(help="The operation, pop_...")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Submit the request of a FAILED one again, and show the new attempt.")
    ] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="End an open one, FAILED with OPERATION_CANCELLED.")] = False,
) -> None:
    """Show an operation: its row, its workflow, what its steps wait for, its callback.

    Exit code 1 when it is unknown, cannot be retried or cannot be cancelled, 2 for options that exclude each other.
    """
    if retry and cancel:
        print_error("proposals operation", ["--retry and --cancel exclude each other"])
        raise typer.Exit(EXIT_USAGE)
    configure_logging(level="ERROR", format="auto")  # what is printed is the answer, not how it was found
    settings = settings_or_exit()
    action = _retried if retry else _cancelled if cancel else _unchanged
    exit_process(asyncio.run(_run(settings, operation_id, action, as_json=as_json)))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Connections:
    settings: Settings
    storage: Storage
    client: Client


async def _run(settings: Settings, operation_id: str, action: Action, *, as_json: bool) -> int:
    dsn = settings.database_url.get_secret_value()
    client = await connect(lazy=True, identity=f"proposals-cli-{os.getpid()}")
    try:
        async with Database(dsn, pool_size=1, application_name="proposals-cli").running() as database:
            connections = _Connections(settings=settings, storage=Storage(database), client=client)
            shown = await action(connections, operation_id)
            page = await _page(connections, shown)
    except StorageUnavailable:
        reason = "PostgreSQL cannot be reached, or its schema is older (PROPOSAL_DATABASE_URL)"
    except OperationNotFound:
        reason = f"{operation_id} is not known"
    except OperationExpired as expired:
        said = ", ".join(f"{name}: {value}" for name, value in expired.tombstone.items() if value is not None)
        reason = f"{operation_id} was purged ({said})"
    except ProposalError as refusal:
        reason = refusal.detail()
    else:
        if as_json:
            typer.echo(json.dumps(page, indent=2))
        else:
            for title, fields in page.items():
                print_fields(title.capitalize(), fields)
        return 0
    print_error("proposals operation", [reason])
    return EXIT_FAILED


async def _unchanged(_: _Connections, operation_id: str) -> str:
    return operation_id


async def _retried(connections: _Connections, operation_id: str) -> str:
    """The next attempt, whose workflow the API's starter starts if this command cannot."""
    storage = connections.storage
    starts: list[OperationStart] = []
    retrying = Retrying(storage, Lookup(storage), starts.append, policy=connections.settings.policy())
    accepted = await retrying.retry(operation_id, client=await _client_of(storage, operation_id))
    starter = WorkflowStarter(connections.client, storage)
    for start in starts:
        await starter.start(start)
    return accepted.operation.operation_id


async def _cancelled(connections: _Connections, operation_id: str) -> str:
    storage = connections.storage
    canceller = WorkflowCanceller(connections.client, storage)
    async with Cancellation(storage, Lookup(storage), canceller).running() as cancellation:
        await cancellation.cancel(operation_id, client=await _client_of(storage, operation_id))
    return operation_id


async def _client_of(storage: Storage, operation_id: str) -> str:
    """Whose operation it is: an operator acts for every client. Raises OperationNotFound, OperationExpired."""
    async with storage.reading() as reading:
        operation = await reading.operations.get(operation_id)
        expired = await reading.expired.get(operation_id)
    if expired is not None:
        raise expired_error(expired)
    if operation is None:
        raise OperationNotFound
    return operation.client


async def _page(connections: _Connections, operation_id: str) -> dict[str, dict[str, Any]]:
    client = await _client_of(connections.storage, operation_id)
    row = await Lookup(connections.storage).operation(operation_id, client=client)
    async with connections.storage.reading() as reading:
        delivery = await reading.deliveries.status(operation_id)
    return {
        "operation": _row(row),
        "workflow": await _workflow(connections.client, operation_id),
        "callback": {"status": delivery or "none asked for"},
    }


def _row(operation: Operation) -> dict[str, Any]:
    return {
        name: wire_timestamp(value) if name.endswith("_at") and value is not None else value
        for name, value in asdict(operation).items()
        if name != "client"
    }


async def _workflow(client: Client, operation_id: str) -> dict[str, Any]:
    try:
        description = await client.get_workflow_handle(workflow_id_of(operation_id)).describe()
    except RPCError as failure:
        is_unknown = failure.status is RPCStatusCode.NOT_FOUND
        return {"status": "not known to Temporal" if is_unknown else "Temporal cannot be reached"}
    except RuntimeError:
        return {"status": "Temporal cannot be reached"}
    status = description.status or WorkflowExecutionStatus.RUNNING
    fields: dict[str, Any] = {"status": status.name, "history events": description.history_length}
    for pending in description.raw_description.pending_activities:
        reason = pending.last_failure.message or "running"
        fields[f"pending {pending.activity_type.name}"] = f"attempt {pending.attempt}: {reason}"
    task = description.raw_description.pending_workflow_task
    if task.attempt and not task.HasField("started_time"):
        fields["pending workflow task"] = "no worker has it"
    return fields

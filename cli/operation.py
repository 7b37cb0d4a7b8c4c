"""The command `operation`: look at one, retry it or cancel it, for any client's operation."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

import typer
from temporalio.client import Client

from cli.database import NotServed, connected_storage
from cli.operation_page import operation_page
from cli.output import fail, print_error, print_fields
from cli.settings import settings_or_exit
from domain.access import LOCAL_CALLER
from domain.errors import OperationExpired, OperationNotFound, ProposalError
from domain.operation import Operation
from runtime.engine_pool import EnginePool
from runtime.settings import Settings
from runtime.signals import exit_process
from runtime.telemetry import configure_logging
from runtime.temporal import connect
from services.adoption import Adoption
from services.cancellation import CancellationService, WorkflowCanceller
from services.lookup import LookupService, expired_error
from services.open_operations import OpenOperationLimit
from services.retrying import RetryService
from services.temporal_workflows import WorkflowStarter
from services.workflow_starts import operation_start
from storage.unit_of_work import Storage

EXIT_FAILED = 1
EXIT_USAGE = 2
OPERATOR = LOCAL_CALLER.actor  # a command knows no user: it has the database's credentials

Action = Callable[["_Connections", str], Awaitable[str]]


def operation(
    operation_id: Annotated[str, typer.Argument(help="The operation, pop_...")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Submit the request of a FAILED operation again, and show the new attempt.")
    ] = False,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Cancel an open operation: it ends FAILED with OPERATION_CANCELLED.")
    ] = False,
) -> None:
    """Show an operation: its row, its workflow, what its steps wait for, its callback.

    Exits 1 when the operation is unknown or cannot be retried or cancelled, 2 for options that exclude each other.
    """
    if retry and cancel:
        fail("proposals operation", "--retry and --cancel exclude each other", exit_code=EXIT_USAGE)
    configure_logging(level="ERROR", format="auto")  # only the page is printed
    settings = settings_or_exit(secrets=("database_url",))
    action = _retried if retry else _cancelled if cancel else _unchanged
    exit_process(asyncio.run(_run(settings, operation_id, action, as_json=as_json)))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Connections:
    settings: Settings
    storage: Storage
    client: Client


async def _run(settings: Settings, operation_id: str, action: Action, *, as_json: bool) -> int:
    temporal = await connect(lazy=True, identity=f"proposals-cli-{os.getpid()}")
    try:
        async with connected_storage(settings, application_name="proposals-cli", pool_size=1) as storage:
            shown = await action(_Connections(settings=settings, storage=storage, client=temporal), operation_id)
            page = await operation_page(storage, temporal, shown, client=await _client_of(storage, shown))
    except NotServed as failure:
        reason = str(failure)
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
                print_fields(title.capitalize(), {name.replace("_", " "): value for name, value in fields.items()})
        return 0
    print_error("proposals operation", [reason])
    return EXIT_FAILED


async def _unchanged(_: _Connections, operation_id: str) -> str:
    return operation_id


async def _retried(connections: _Connections, operation_id: str) -> str:
    """Add the next attempt. If this command cannot start its workflow, the API's start queue does."""
    storage, settings = connections.storage, connections.settings
    starts: list[Operation] = []
    engine = EnginePool(1, seconds=settings.compute_seconds, memory_mb=settings.compute_memory_mb)
    async with engine.running() as pool:
        retrying = RetryService(
            storage,
            LookupService(storage),
            starts.append,
            policy=settings.policy(),
            limit=OpenOperationLimit(
                settings.max_open_operations,
                per_client=settings.max_open_operations_per_client,
                batches=settings.max_open_batches,
            ),
            adoption=Adoption(storage, pool),
        )
        accepted = await retrying.retry(operation_id, client=await _client_of(storage, operation_id), by=OPERATOR)
    starter = WorkflowStarter(connections.client)
    for start in starts:
        await starter.start(operation_start(start, public_url=settings.public_url))
    return accepted.operation.operation_id


async def _cancelled(connections: _Connections, operation_id: str) -> str:
    storage = connections.storage
    canceller = WorkflowCanceller(connections.client, storage)
    async with CancellationService(storage, LookupService(storage), canceller).running() as cancellation:
        await cancellation.cancel(operation_id, client=await _client_of(storage, operation_id), by=OPERATOR)
    return operation_id


async def _client_of(storage: Storage, operation_id: str) -> str:
    """The client that owns it: an operator acts for every client. Raises OperationNotFound, OperationExpired."""
    async with storage.reading() as reading:
        operation = await reading.operations.get(operation_id)
        expired = await reading.expired.get(operation_id)
    if expired is not None:
        raise expired_error(expired)
    if operation is None:
        raise OperationNotFound
    return operation.client

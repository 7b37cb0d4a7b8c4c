"""The command `operation`: all that is known of one, on one page: row, workflow, pending failure, delivery."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from cli.output import print_error, print_fields
from cli.settings import settings_or_exit
from domain.callback import webhook_id
from domain.callback_retries import DeliveryStatus
from domain.errors import StorageUnavailable
from domain.operation import Operation
from domain.timestamps import wire_timestamp
from runtime.database import Database
from runtime.signals import exit_process
from runtime.telemetry import configure_logging
from runtime.temporal import connect
from storage.deliveries import Delivery, DeliveryAttempt
from storage.unit_of_work import Storage
from workflows.identity import delivery_workflow_id_of, workflow_id_of

EXIT_FAILED = 1


def operation(
    operation_id: Annotated[str, typer.Argument(help="The operation, pop_...")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show an operation: its row, its workflow, what its steps wait for, its callback. Exit code 1 when unknown."""
    configure_logging(level="ERROR", format="auto")  # what is printed is the answer, not how it was found
    dsn = settings_or_exit().database_url.get_secret_value()
    exit_process(asyncio.run(_show(dsn, operation_id, as_json=as_json)))


async def _show(dsn: str, operation_id: str, *, as_json: bool) -> int:
    try:
        async with Database(dsn, pool_size=1, application_name="proposals-cli").running() as database:
            storage = Storage(database)
            async with storage.reading() as reading:
                row = await reading.operations.get(operation_id)
                callback = _callback(
                    await reading.deliveries.get(operation_id), await reading.deliveries.attempts(operation_id)
                )
    except StorageUnavailable:
        print_error(
            "proposals operation", ["PostgreSQL cannot be reached, or its schema is older (PROPOSAL_DATABASE_URL)"]
        )
        return EXIT_FAILED
    if row is None:
        print_error("proposals operation", [f"{operation_id} is not known"])
        return EXIT_FAILED
    client = await connect(lazy=True, identity="proposals-cli")
    workflow = await _workflow(client, workflow_id_of(operation_id))
    if row.has_callback:
        callback = callback or {"status": "NOT_DUE"}
        callback["workflow"] = (await _workflow(client, delivery_workflow_id_of(operation_id)))["status"]
    page = {"operation": _row(row), "workflow": workflow, "callback": callback or {"status": "none asked for"}}
    if as_json:
        typer.echo(json.dumps(page, indent=2))
    else:
        for title, fields in page.items():
            print_fields(title.capitalize(), fields)
    return 0


def _row(operation: Operation) -> dict[str, Any]:
    return {
        name: wire_timestamp(value) if name.endswith("_at") and value is not None else value
        for name, value in asdict(operation).items()
        if name != "client"
    }


def _callback(delivery: Delivery | None, attempts: list[DeliveryAttempt]) -> dict[str, Any]:
    """The delivery with a line for each attempt; empty when none is owed."""
    if delivery is None:
        return {}
    is_pending = delivery.status is DeliveryStatus.PENDING
    return {
        "status": delivery.status,
        "webhook id": webhook_id(delivery.operation_id),
        "next attempt": wire_timestamp(delivery.due_at) if is_pending else None,
        **{f"attempt {attempt.attempt_no}": _attempt(attempt) for attempt in attempts},
    }


def _attempt(attempt: DeliveryAttempt) -> str:
    answer = attempt.error_class or f"HTTP {attempt.status_code}"
    return f"{wire_timestamp(attempt.attempted_at)} {answer} in {attempt.duration_ms} ms"


async def _workflow(client: Client, workflow_id: str) -> dict[str, Any]:
    try:
        description = await client.get_workflow_handle(workflow_id).describe()
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

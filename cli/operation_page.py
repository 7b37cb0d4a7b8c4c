"""All that is known of an operation, on one page: row, workflow, pending failure, delivery."""

from dataclasses import asdict
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from domain.callback import webhook_id
from domain.callback_retries import DeliveryStatus
from domain.operation import Operation
from domain.timestamps import wire_timestamp
from services.lookup import Lookup
from storage.deliveries import Delivery, DeliveryAttempt
from storage.unit_of_work import Storage
from workflows.identity import delivery_workflow_id_of, workflow_id_of

Page = dict[str, dict[str, Any]]


async def operation_page(storage: Storage, temporal: Client, operation_id: str, *, client: str) -> Page:
    """Fields by heading. Raises OperationNotFound, OperationExpired, StorageUnavailable."""
    row = await Lookup(storage).operation(operation_id, client=client)
    async with storage.reading() as reading:
        callback = _callback(
            await reading.deliveries.get(operation_id), await reading.deliveries.attempts(operation_id)
        )
    if row.has_callback:
        callback = callback or {"status": "NOT_DUE"}
        callback["workflow"] = (await _workflow(temporal, delivery_workflow_id_of(operation_id)))["status"]
    return {
        "operation": _row(row),
        "workflow": await _workflow(temporal, workflow_id_of(operation_id)),
        "callback": callback or {"status": "none asked for"},
    }


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

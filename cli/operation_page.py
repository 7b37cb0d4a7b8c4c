"""Everything about an operation on one page: row, workflow, pending failure, delivery."""

from datetime import UTC, datetime
from typing import Any, Final

from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.callback import webhook_id
from domain.callback_retries import DeliveryStatus
from domain.operation import Operation, Progress
from domain.timestamps import wire_timestamp
from services.lookup import LookupService
from services.readiness import last_poll
from services.temporal_workflows import OwnWorkflow, WorkflowDescription, describe
from services.workflow_end import end_from_outside
from services.workflow_starts import own_delivery_of, own_workflow_of
from storage.deliveries import Delivery, DeliveryAttempt
from storage.unit_of_work import Storage

Page = dict[str, dict[str, Any]]

# The row's columns, without those that other headings show or that only steps and start queue use.
SHOWN: Final = (
    "operation_id",
    "operation_type",
    "status",
    "idempotency_key",
    "attempt",
    "correlation_id",
    "request_hash",
    "portfolio_id",
    "created_by",
    "is_large",
    "proposal_id",
    "version_no",
    "error_code",
    "error_message",
    "cancelled_by",
    "retried_by",
    "created_at",
    "updated_at",
    "started_at",
    "finished_at",
    "has_callback",
)


async def operation_page(storage: Storage, temporal: Client, operation_id: str, *, client: str) -> Page:
    """Fields by heading. Raises OperationNotFound, OperationExpired, StorageUnavailable."""
    row = await LookupService(storage).operation(operation_id, client=client)
    async with storage.reading() as reading:
        delivery = await reading.deliveries.get(operation_id)
        attempts = await reading.deliveries.attempts(operation_id)
    callback: dict[str, Any] = {"status": "none asked for"}
    if row.has_callback:
        callback = {"status": "NOT_DUE"} if delivery is None else _callback(operation_id, delivery, attempts)
        delivering = await _workflow(temporal, own_delivery_of(operation_id))
        callback["workflow"] = delivering.pop("status")
        callback |= {name: shown for name, shown in delivering.items() if name != "history events"}
    return {
        "operation": _row(row),
        **({} if row.progress is None else {"runs": await _runs(storage, row, row.progress)}),
        "workflow": await _workflow(temporal, own_workflow_of(operation_id, operation_type=row.operation_type)),
        "callback": callback,
    }


async def _runs(storage: Storage, batch: Operation, progress: Progress) -> dict[str, Any]:
    """How far a batch is, and how fast it is computed."""
    async with storage.reading() as reading:
        chunks = await reading.chunks.counts(batch.operation_id)
    computed = progress.succeeded + progress.failed
    last, began = chunks.last_done_at, batch.started_at
    seconds = 0.0 if last is None or began is None else (last - began).total_seconds()
    return {
        "succeeded": progress.succeeded,
        "failed": progress.failed,
        "remaining": progress.remaining,
        "chunks": f"{chunks.done} of {chunks.chunks}",
        "last commit": None if last is None else wire_timestamp(last),
        "rate": None if seconds <= 0 else f"{computed / seconds:.0f} runs/s",
    }


def _row(operation: Operation) -> dict[str, Any]:
    values = {name: getattr(operation, name) for name in SHOWN}
    return {name: wire_timestamp(value) if isinstance(value, datetime) else value for name, value in values.items()}


def _callback(operation_id: str, delivery: Delivery, attempts: list[DeliveryAttempt]) -> dict[str, Any]:
    """The delivery with a line for each attempt."""
    is_pending = delivery.status is DeliveryStatus.PENDING
    return {
        "status": delivery.status,
        "webhook id": webhook_id(operation_id),
        "next attempt": wire_timestamp(delivery.due_at) if is_pending else None,
        "redelivered by": delivery.redelivered_by,
        **{f"attempt {attempt.attempt_no}": _attempt(attempt) for attempt in attempts},
    }


def _attempt(attempt: DeliveryAttempt) -> str:
    answer = attempt.error_class or f"HTTP {attempt.status_code}"
    return f"{wire_timestamp(attempt.attempted_at)} {answer} in {attempt.duration_ms} ms"


async def _workflow(client: Client, own: OwnWorkflow) -> dict[str, Any]:
    try:
        described = await describe(client, own.workflow_id)
    except RPCError as failure:
        is_unknown = failure.status is RPCStatusCode.NOT_FOUND
        return {"status": "not known to Temporal" if is_unknown else "Temporal cannot be reached"}
    except RuntimeError:
        return {"status": "Temporal cannot be reached"}
    fields: dict[str, Any] = {
        "status": described.status,
        "history events": described.raw.workflow_execution_info.history_length,
    }
    if described.workflow_type != own.workflow_type:
        fields["type"] = f"{described.workflow_type}, which is not the operation's own"
    for pending in described.raw.pending_activities:
        name = f"pending {pending.activity_type.name}"
        # The lanes of a batch are pending together.
        fields[f"{name}, activity {pending.activity_id}" if name in fields else name] = _pending(pending)
    task = described.raw.pending_workflow_task
    if task.attempt and not task.HasField("started_time"):
        fields["pending workflow task"] = await _why_it_waits(client, own.task_queue)
    if described.status == "TERMINATED":
        fields["ended by"] = await _who_terminated(client, described)
    return fields


async def _why_it_waits(client: Client, task_queue: str) -> str:
    try:
        polled_at = await last_poll(client, task_queue)
    except (RPCError, RuntimeError, OSError):
        return "no worker has it"
    since = (
        "no worker has polled for minutes" if polled_at is None else f"the last poll was {wire_timestamp(polled_at)}"
    )
    return f"no worker has it; {since}"


async def _who_terminated(client: Client, described: WorkflowDescription) -> str:
    """Only people terminate the service's own workflows; Temporal keeps who did and why."""
    end = await end_from_outside(client, described.workflow_id, run_id=described.run_id)
    who = f" ({end.identity})" if end is not None and end.identity else ""
    why = f": {end.reason}" if end is not None and end.reason else ""
    return f"an operator{who}, who terminated it{why}"


def _pending(pending: PendingActivityInfo) -> str:
    """What the activity waits for. A paused one waits for the operator, also after a failure."""
    if not pending.paused:
        return f"attempt {pending.attempt}: {pending.last_failure.message or 'running'}"
    paused = pending.pause_info
    at = f" at {wire_timestamp(paused.pause_time.ToDatetime(tzinfo=UTC))}" if paused.HasField("pause_time") else ""
    by = f" by {paused.manual.identity or 'an operator'}" if paused.HasField("manual") else ""
    rule = f" by the rule {paused.rule.rule_id}" if paused.HasField("rule") else ""
    why = f": {reason}" if (reason := paused.manual.reason or paused.rule.reason) else ""
    return f"attempt {pending.attempt}: PAUSED{at}{by}{rule}{why}"

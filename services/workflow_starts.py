"""The start of an operation's workflow and of its callback's: id, input, and the texts that operators read.

Nothing else of the client goes to Temporal.
"""

from typing import Final

from temporalio.common import SearchAttributePair, TypedSearchAttributes

from domain.operation import Operation, OperationType
from domain.public_links import markdown_link, operation_path
from services.temporal_workflows import OwnWorkflow, WorkflowStart
from storage.workflow_starts import PendingDelivery
from workflows.delivery_start import delivery_details, delivery_summary
from workflows.identity import (
    CALLBACKS_QUEUE,
    CORRELATION_ID,
    CREATED_BY,
    DELIVER_CALLBACK,
    DELIVER_NOW,
    OPERATION_TYPE,
    PORTFOLIO_ID,
    PROPOSAL_ID,
    PROPOSALS_QUEUE,
    WORKFLOW_TYPES,
    attribute_text,
    delivery_workflow_id_of,
    workflow_id_of,
)
from workflows.messages import AnalyzeInput, CreateInput, DeliverCallbackInput
from workflows.policies import EXECUTION_TIMEOUT

# The server refuses a start whose summary, as a payload, is over 400 bytes, or whose details are over 20,000.
SUMMARY_PART_BYTES: Final = 150
DETAIL_BYTES: Final = 2_000
MAX_LANES: Final = 4  # activities of one batch at a time


def own_workflow_of(operation_id: str, *, operation_type: OperationType) -> OwnWorkflow:
    return OwnWorkflow(
        workflow_id=workflow_id_of(operation_id),
        workflow_type=WORKFLOW_TYPES[operation_type],
        task_queue=PROPOSALS_QUEUE,
        names=operation_id,
    )


def own_delivery_of(operation_id: str) -> OwnWorkflow:
    return OwnWorkflow(
        workflow_id=delivery_workflow_id_of(operation_id),
        workflow_type=DELIVER_CALLBACK,
        task_queue=CALLBACKS_QUEUE,
        names=operation_id,
    )


def operation_start(operation: Operation, *, public_url: str | None, replaces_closed: bool = False) -> WorkflowStart:
    """`replaces_closed` only where the closed workflow is known to be no part of the operation."""
    return WorkflowStart(
        own=own_workflow_of(operation.operation_id, operation_type=operation.operation_type),
        argument=_argument(operation, public_url=public_url),
        replaces_closed=replaces_closed,
        execution_timeout=EXECUTION_TIMEOUT,
        search_attributes=_search_attributes_of(operation),
        summary=_summary(operation),
        details=_details(operation, public_url=public_url),
    )


def _argument(operation: Operation, *, public_url: str | None) -> CreateInput | AnalyzeInput:
    shown = {
        "operation_id": operation.operation_id,
        "portfolio_id": None if operation.portfolio_id is None else attribute_text(operation.portfolio_id),
        "created_by": attribute_text(operation.created_by),
        "correlation_id": operation.correlation_id,
        "public_url": public_url,
    }
    if operation.is_batch:
        return AnalyzeInput(**shown, lanes=min(MAX_LANES, operation.chunk_count or 1))
    proposal_id = None if operation.proposal_id is None else attribute_text(operation.proposal_id)
    return CreateInput(**shown, is_large=operation.is_large, proposal_id=proposal_id)


def delivery_start(delivery: PendingDelivery, *, public_url: str | None, replaces_closed: bool) -> WorkflowStart:
    """A redelivery runs under the id of the delivery that has closed, or makes the one that still runs due now."""
    is_redelivery = delivery.redelivered_at is not None
    return WorkflowStart(
        own=own_delivery_of(delivery.operation_id),
        argument=DeliverCallbackInput(operation_id=delivery.operation_id, attempts=delivery.attempts),
        replaces_closed=replaces_closed or is_redelivery,
        signal=DELIVER_NOW if is_redelivery else None,
        search_attributes=_search_attributes_of(delivery),
        summary=delivery_summary(delivery.operation_id, operation_status=delivery.status),
        details=delivery_details(
            delivery.operation_id,
            operation_type=delivery.operation_type,
            operation_status=delivery.status,
            correlation_id=delivery.correlation_id,
            public_url=public_url,
        )
        + _redelivered_by(delivery),
    )


def _redelivered_by(delivery: PendingDelivery) -> str:
    if delivery.redelivered_by is None:
        return ""
    return f"\n- **Redelivered by**: {escaped(delivery.redelivered_by, max_bytes=DETAIL_BYTES)}"


def _search_attributes_of(operation: Operation) -> TypedSearchAttributes:
    """The same for an operation and its callback, so that a search for one finds the other.

    A create has the id that its proposal will have: there is no such proposal until it has succeeded.
    """
    texts = {
        CORRELATION_ID: operation.correlation_id,
        OPERATION_TYPE: operation.operation_type,
        CREATED_BY: operation.created_by,
        **({} if operation.portfolio_id is None else {PORTFOLIO_ID: operation.portfolio_id}),
        **({PROPOSAL_ID: operation.made_proposal_id} if operation.makes_version else {}),
    }
    return TypedSearchAttributes([SearchAttributePair(key, attribute_text(text)) for key, text in texts.items()])


def _summary(operation: Operation) -> str:
    author = escaped(operation.created_by, max_bytes=SUMMARY_PART_BYTES)
    if operation.portfolio_id is None:
        return f"{operation.title} for {author}"
    return f"{operation.title} for {escaped(operation.portfolio_id, max_bytes=SUMMARY_PART_BYTES)} by {author}"


def _details(operation: Operation, *, public_url: str | None) -> str:
    rows = {
        "Correlation id": operation.correlation_id,
        **({} if operation.proposal_id is None else {"Proposal": operation.proposal_id}),
        **({} if operation.portfolio_id is None else {"Portfolio": operation.portfolio_id}),
        "Created by": operation.created_by,
        "Attempt": str(operation.attempt),
        **({} if operation.retried_by is None else {"Retried by": operation.retried_by}),
        **_size(operation),
    }
    operation_id = markdown_link(
        escaped(operation.operation_id, max_bytes=DETAIL_BYTES),
        operation_path(operation.operation_id),
        public_url=public_url,
    )
    lines = [f"- **{name}**: {escaped(value, max_bytes=DETAIL_BYTES)}" for name, value in rows.items()]
    return "\n".join([f"- **Operation**: {operation_id}", *lines])


def _size(operation: Operation) -> dict[str, str]:
    if operation.is_batch:
        return {"Runs": str(operation.runs_total), "Chunks": str(operation.chunk_count)}
    return {"Size": "large (process pool)" if operation.is_large else "small"}


def escaped(text: str, *, max_bytes: int) -> str:
    """A client's text without meaning for the Markdown that Temporal's UI renders, cut to so many bytes of UTF-8."""
    kept: list[str] = []
    for character in attribute_text(text):
        shown = character if character.isalnum() or character in " -." else f"&#{ord(character)};"
        max_bytes -= len(shown.encode())
        if max_bytes < 0:
            break
        kept.append(shown)
    return "".join(kept)

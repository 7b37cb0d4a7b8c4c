"""Starting the callback of an ended operation from its workflow, without waiting for another process."""

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.public_links import markdown_link, operation_path
from workflows.identity import (
    CALLBACKS_QUEUE,
    CORRELATION_ID,
    DELIVER_CALLBACK,
    OPERATION_TYPE,
    SEARCH_ATTRIBUTES,
    delivery_workflow_id_of,
)
from workflows.messages import DeliverCallbackInput, OperationOutcome
from workflows.policies import TASK_TIMEOUT


async def start_delivery(outcome: OperationOutcome, *, public_url: str | None) -> None:
    """Start the delivery as a child that outlives its parent. The start queue does it where no workflow is left."""
    if not outcome.has_callback:
        return
    attributes = _own_attributes()
    try:
        await workflow.start_child_workflow(
            DELIVER_CALLBACK,
            DeliverCallbackInput(operation_id=outcome.operation_id),
            id=delivery_workflow_id_of(outcome.operation_id),
            task_queue=CALLBACKS_QUEUE,
            task_timeout=TASK_TIMEOUT,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=attributes,
            static_summary=delivery_summary(outcome.operation_id, operation_status=outcome.status),
            static_details=delivery_details(
                outcome.operation_id,
                operation_type=attributes.get(OPERATION_TYPE) or "",
                operation_status=outcome.status,
                correlation_id=attributes.get(CORRELATION_ID) or "",
                public_url=public_url,
            ),
        )
    except WorkflowAlreadyStartedError:
        return


def _own_attributes() -> TypedSearchAttributes:
    """The operation's attributes, so that a search for it finds its callback as well."""
    own = workflow.info().typed_search_attributes
    return TypedSearchAttributes(
        [SearchAttributePair(key, value) for key in SEARCH_ATTRIBUTES if (value := own.get(key)) is not None]
    )


def delivery_summary(operation_id: str, *, operation_status: str) -> str:
    """The title of a callback's workflow for operators, without data of the client."""
    return f"Call back that {operation_id} has {operation_status}"


def delivery_details(
    operation_id: str, *, operation_type: str, operation_status: str, correlation_id: str, public_url: str | None
) -> str:
    rows = {
        "Operation": markdown_link(f"`{operation_id}`", operation_path(operation_id), public_url=public_url),
        "Type": operation_type,
        "Ended": operation_status,
        "Correlation id": correlation_id,
        "Attempts": f"`proposals operation {operation_id}`",
    }
    return "\n".join(f"- **{name}**: {_shown(value)}" for name, value in rows.items())


def _shown(value: str) -> str:
    """As code, so that Markdown leaves it alone; ids hold no backtick, and what has one is Markdown already."""
    return value if "`" in value else f"`{value}`"

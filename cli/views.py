"""The command `views`: links that open the Temporal UI with what operators ask, and keep it there as a view."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from urllib.parse import quote, urlencode

import typer

from cli.output import fail, print_fields
from cli.settings import settings_or_exit
from domain.operation import OperationType
from runtime.shown_url import workflows_url
from runtime.temporal_profile import DEFAULT_NAMESPACE, load_profile
from workflows.identity import (
    CHECKPOINT_EVIDENCE,
    CORRELATION_ID,
    CREATED_BY,
    DELIVER_CALLBACK,
    PORTFOLIO_ID,
    PROPOSAL_ID,
    PURGE_OPERATIONS,
    RECONCILE_OPERATIONS,
    WORKFLOW_TYPES,
)

COMMAND: Final = "proposals views"
TO_FILL_IN: Final = "..."  # of a view whose option was not given: the UI shows it as a filter to edit
BATCH: Final = WORKFLOW_TYPES[OperationType.ANALYZE_SCENARIOS]


def queries(
    *,
    now: datetime,
    minutes: int = 10,
    author: str = TO_FILL_IN,
    portfolio: str = TO_FILL_IN,
    correlation_id: str = TO_FILL_IN,
    proposal: str = TO_FILL_IN,
) -> dict[str, str]:
    """The views by name, in the query language of Temporal, which knows no time but points in time."""
    operations = f"WorkflowType IN ({', '.join(map(_text, WORKFLOW_TYPES.values()))})"
    running = 'ExecutionStatus = "Running"'
    deliveries = f"WorkflowType = {_text(DELIVER_CALLBACK)}"
    before = (now - timedelta(minutes=minutes)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    housekeepers = ", ".join(map(_text, (RECONCILE_OPERATIONS, PURGE_OPERATIONS, CHECKPOINT_EVIDENCE)))
    return {
        "Operations: open": f"{operations} AND {running}",
        f"Operations: open since {before}": f'{operations} AND {running} AND StartTime < "{before}"',
        "Operations: failed": f'{operations} AND ExecutionStatus IN ("Failed", "TimedOut")',
        "Operations: cancelled or terminated": f'{operations} AND ExecutionStatus IN ("Canceled", "Terminated")',
        "By author": f"{CREATED_BY.name} = {_text(author)}",
        "By portfolio": f"{PORTFOLIO_ID.name} = {_text(portfolio)}",
        "By correlation id": f"{CORRELATION_ID.name} = {_text(correlation_id)}",
        "By proposal": f"{PROPOSAL_ID.name} = {_text(proposal)}",
        "Callbacks: pending": f"{deliveries} AND {running}",
        "Callbacks: given up": f'{deliveries} AND ExecutionStatus != "Running" AND ExecutionStatus != "Completed"',
        "Batches": f"WorkflowType = {_text(BATCH)}",
        "Housekeeping": f"WorkflowType IN ({housekeepers})",
    }


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def view_url(list_url: str, *, name: str, query: str) -> str:
    """A list of workflows for a query; `savedQuery` makes the UI keep it under this name, in this browser."""
    return f"{list_url}?{urlencode({'query': query, 'savedQuery': name}, quote_via=quote)}"


def views(
    *,
    minutes: Annotated[int, typer.Option("--minutes", min=1, help="Age of operations that are open for long.")] = 10,
    author: Annotated[str, typer.Option("--author", help="Whose operations: `created_by`.")] = TO_FILL_IN,
    portfolio: Annotated[str, typer.Option("--portfolio", help="Id of a portfolio.")] = TO_FILL_IN,
    correlation_id: Annotated[str, typer.Option("--correlation-id", help="The caller's own id.")] = TO_FILL_IN,
    proposal: Annotated[str, typer.Option("--proposal", help="Id of a proposal, for its versions.")] = TO_FILL_IN,
) -> None:
    """Print a link for each view of the Temporal UI that operators need.

    Opening a link saves the view in the browser. Exits 1 without PROPOSAL_TEMPORAL_UI_URL, 2 on invalid settings.
    """
    ui_url = settings_or_exit(secrets=()).temporal_ui_url
    if ui_url is None:
        fail(COMMAND, "set PROPOSAL_TEMPORAL_UI_URL to the address of the Temporal UI")
    try:
        namespace = load_profile().namespace or DEFAULT_NAMESPACE
    except RuntimeError:  # its text may quote the file of the SDK, key included
        fail(COMMAND, "TEMPORAL_*: `proposals config check` says what is wrong", exit_code=2)
    asked = queries(
        now=datetime.now(UTC),
        minutes=minutes,
        author=author,
        portfolio=portfolio,
        correlation_id=correlation_id,
        proposal=proposal,
    )
    list_url = workflows_url(ui_url, namespace=namespace)
    print_fields("Views", {name: view_url(list_url, name=name, query=query) for name, query in asked.items()})

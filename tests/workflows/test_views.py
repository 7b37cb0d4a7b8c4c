"""The views that `proposals views` links to: each query against a Temporal server, with workflows that it must find."""

import asyncio
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from any_workflow import AnyWorkflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.worker import Worker
from typer.testing import CliRunner
from waiting import PATIENCE_SECONDS

from cli.main import application
from cli.views import queries
from workflows.identity import CORRELATION_ID, CREATED_BY, PORTFOLIO_ID, PROPOSAL_ID

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "find-in-temporal.md").read_text()
# What only the views of one value may be asked for.
ASKED = {
    "author": "ann o'hara",
    "portfolio": "pf_views",
    "correlation_id": "crm/case/4711",
    "proposal": "pp_views",
}
# Type, how it ends, and the views that must have it.
WORKFLOWS = {
    "open": ("CreateProposal", None, {"open", "By author", "By portfolio", "By correlation id"}),
    "old": (
        "CreateVersion",
        None,
        {"open", "open since", "By author", "By portfolio", "By correlation id", "By proposal"},
    ),
    "failed": ("SimulateProposal", "fail", {"failed", "By author", "By portfolio", "By correlation id"}),
    "cancelled": ("CreateProposal", "cancel", {"cancelled", "By author", "By portfolio", "By correlation id"}),
    "terminated": ("CreateProposal", "terminate", {"cancelled", "By author", "By portfolio", "By correlation id"}),
    "batch": ("AnalyzeScenarios", "return", {"Batches"}),
    "delivery": ("DeliverCallback", None, {"Callbacks: pending"}),
    "delivered": ("DeliverCallback", "return", set()),
    "given up": ("DeliverCallback", "fail", {"Callbacks: given up"}),
    "reconcile": ("ReconcileOperations", None, {"Housekeeping"}),
    "purge": ("PurgeOperations", "return", {"Housekeeping"}),
    "checkpoint": ("CheckpointEvidence", "return", {"Housekeeping"}),
}


def attributes_of(name: str) -> TypedSearchAttributes:
    given = {CREATED_BY: "author", PORTFOLIO_ID: "portfolio", CORRELATION_ID: "correlation_id"}
    if name == "old":
        given[PROPOSAL_ID] = "proposal"
    return TypedSearchAttributes([SearchAttributePair(key, ASKED[asked]) for key, asked in given.items()])


async def start(client: Client, queue: str, name: str) -> str:
    kind, how, views = WORKFLOWS[name]
    handle = await client.start_workflow(
        kind,
        how or "wait",
        id=f"{queue}-{name}",
        task_queue=queue,
        search_attributes=attributes_of(name) if "By author" in views else TypedSearchAttributes.empty,
    )
    if how == "cancel":
        await handle.cancel()
    if how == "terminate":
        await handle.terminate()
    if how is not None:
        with suppress(WorkflowFailureError):
            await handle.result()
    return handle.id


async def test_every_view_finds_what_it_is_for_and_nothing_else(temporal_client):
    queue = f"views-{uuid.uuid4().hex}"
    async with Worker(temporal_client, task_queue=queue, workflows=[AnyWorkflow]):
        await start(temporal_client, queue, "old")
        await asyncio.sleep(1.1)  # views name whole seconds
        between = datetime.now(UTC)
        for name in WORKFLOWS.keys() - {"old"}:
            await start(temporal_client, queue, name)
        asked = queries(now=between + timedelta(minutes=10), minutes=10, **ASKED)
        for view, query in asked.items():
            wanted = {name for name, (_, _, views) in WORKFLOWS.items() if any(_is_called(view, one) for one in views)}
            assert wanted, view
            found: set[str] = set()
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):  # visibility follows a moment later
                    while (found := await found_by(temporal_client, query, queue)) != wanted:
                        await asyncio.sleep(0.1)
            assert found == wanted, (view, query)
    for name in WORKFLOWS:
        if WORKFLOWS[name][1] is None:
            await temporal_client.get_workflow_handle(f"{queue}-{name}").terminate()


def _is_called(view: str, short: str) -> bool:
    if short == "open":
        return view == "Operations: open"
    return view.removeprefix("Operations: ").startswith(short)


async def found_by(client: Client, query: str, queue: str) -> set[str]:
    of_test = f'({query}) AND TaskQueue = "{queue}"'
    return {one.id.removeprefix(f"{queue}-") async for one in client.list_workflows(of_test)}


def test_the_links_open_the_queries_of_the_guide(monkeypatch):
    monkeypatch.setenv("PROPOSAL_TEMPORAL_UI_URL", "https://someone:secret@ui.example/temporal/")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "advice")
    ran = CliRunner().invoke(application(["views"]), ["views", "--author", "advisor_1"])
    assert ran.exit_code == 0, ran.output
    lines = [line.strip().rpartition(": ") for line in ran.stdout.splitlines()[1:]]
    assert len(lines) >= 10
    for name, _, link in lines:
        url = urlsplit(link)
        asked = parse_qs(url.query)
        assert (url.netloc, url.path) == ("ui.example", "/temporal/namespaces/advice/workflows")
        assert asked["savedQuery"] == [name]
        shown = asked["query"][0]
        if "open since" in name:
            shown = shown[: shown.index(" AND StartTime")]
        assert shown in GUIDE


def test_without_an_address_of_the_ui_the_setting_is_named(monkeypatch):
    monkeypatch.delenv("PROPOSAL_TEMPORAL_UI_URL", raising=False)
    ran = CliRunner().invoke(application(["views"]), ["views"])
    assert ran.exit_code == 1
    assert "PROPOSAL_TEMPORAL_UI_URL" in ran.stderr

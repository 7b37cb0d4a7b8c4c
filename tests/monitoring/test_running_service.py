"""What the running service exports: metrics that dashboard and alerts ask for, and traces from request to commit."""

import asyncio
import json
import re
from pathlib import Path

import pytest
import yaml
from builders import a_body
from http_clients import http_client
from page_tables import page_of, plain, rows
from prometheus_client.parser import text_string_to_metric_families
from running_service import Clients
from span_receiver import SpanReceiver, attributes
from waiting import PATIENCE_SECONDS, until

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
ALERTS = yaml.safe_load((MONITORING / "alerts.yml").read_text())
EXPRESSIONS = [
    target["expr"]
    for panel in json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    for target in panel.get("targets", ())
] + [rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]]
SELECTOR = re.compile(r"\b((?:proposals|temporal|process)_\w+)(?:\{([^}]*(?:\{\w+\}[^}]*)*)\})?")
SCRAPED = {"job", "instance", "le"}  # what Prometheus adds


@pytest.fixture
async def exported(observed, worker_metrics_port) -> dict[str, set[str]]:
    """The names of the series of API and worker after one operation, with the names of their labels."""
    async with http_client(observed.url) as http:
        clients = Clients(observed, http)
        await clients.finished(await clients.submit())
        pages = [(await http.get(f"http://127.0.0.1:{worker_metrics_port}/metrics")).text, await with_backlog(http)]
    found: dict[str, set[str]] = {}
    for page in pages:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


async def with_backlog(http) -> str:
    """The metrics of the API once all are there: a scrape waits for a second for those of PostgreSQL and readiness."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            page = (await http.get("/metrics")).text
            if "\nproposals_runs_remaining " in page and "\nproposals_dependency_up{" in page:
                return page
            await asyncio.sleep(0.2)


async def test_every_metric_and_label_that_is_asked_for_is_exported(exported):
    missing = []
    for expression in EXPRESSIONS:
        for name, matchers in SELECTOR.findall(expression):
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", matchers)) - SCRAPED
            if name not in exported or not labels <= exported[name]:
                missing.append((name, labels))
        grouped = {label.strip() for found in re.findall(r"by \(([^)]*)\)", expression) for label in found.split(",")}
        names = [name for name, _ in SELECTOR.findall(expression)]
        known = set().union(*(exported.get(name, set()) for name in names)) | SCRAPED
        if not grouped <= known:
            missing.append((expression, grouped - known))
    assert missing == []


async def test_the_page_of_metrics_has_every_metric_with_its_labels(exported):
    own = {name: labels - SCRAPED for name, labels in exported.items() if name.startswith("proposals_")}
    whole = {re.sub("_(bucket|sum|count)$", "", name): labels for name, labels in own.items()}
    assert shown_metrics() == whole


def shown_metrics() -> dict[str, set[str]]:
    metrics = [row for row in rows(page_of("reference/metrics.md")) if len(row) == 5]
    return {plain(row[0]): set(re.findall(r"`(\w+)`", row[2])) for row in metrics}


async def test_no_label_holds_an_id_or_a_path(observed, worker_metrics_port):
    async with http_client(observed.url) as http:
        clients = Clients(observed, http)
        operation_id = await clients.submit(body=a_body(created_by="advisor_in_label", portfolio_id="pf_in_label"))
        await clients.finished(operation_id)
        for path in (
            f"/rebalance/proposals/{operation_id}",
            "/secret-path/x",
            "/rebalance/proposals?created_by=in_query",
        ):
            await http.get(path, headers={"X-Correlation-Id": "corr-in-label"})
        await http.request("INVENTED", "/rebalance/proposals")
        page = (await http.get("/metrics")).text
        page += (await http.get(f"http://127.0.0.1:{worker_metrics_port}/metrics")).text
    for text in (operation_id, "in_label", "corr-in-label", "secret-path", "in_query", "INVENTED", "127.0.0.1"):
        assert text not in page
    assert 'route="unmatched"' in page
    assert 'route="/rebalance/proposals/{proposal_id}"' in page


async def test_the_alert_for_checkpoints_knows_of_the_key_of_the_workers_and_of_the_last_checkpoint(
    observed, worker_metrics_port
):
    await until(lambda: observed.rows("SELECT 1 FROM evidence_checkpoints"))
    async with http_client(observed.url) as http:
        page = (await http.get(f"http://127.0.0.1:{worker_metrics_port}/metrics")).text
        assert "\nproposals_evidence_key_configured 1.0\n" in page
        [age] = re.findall(r"^proposals_checkpoint_age_seconds (.+)$", await with_backlog(http), re.MULTILINE)
    assert float(age) < 3600


PARTS = ("- **Fires when** ", "- **Users notice** ", "- **Check** ", "- **Do**", "- **Escalate** ")


CALLER = "0af7651916cd43dd8448eb211c80319c"

# From the commit up to the request.
PATH = [
    "UPDATE operations",  # and all else in the same statement
    "postgresql",
    "RunActivity:persist",
    "StartActivity:persist",
    "StartWorkflow:CreateProposal",
    "POST /rebalance/proposals/async",
]


def of_trace(collector: SpanReceiver, trace_id: str):
    return [span for span in collector.spans() if span.trace_id.hex() == trace_id]


def named(collector: SpanReceiver, trace_id: str) -> set[str]:
    """The names of the trace's spans so far: each process sends its own, when it likes."""
    return {span.name for span in of_trace(collector, trace_id)}


@pytest.fixture
async def http(observed):
    async with http_client(observed.url) as http:
        yield http


async def test_one_trace_from_the_request_to_the_sql_of_persist(observed, http, collector):
    accepted = await http.post(
        "/rebalance/proposals/async",
        json=a_body(),
        headers={"Idempotency-Key": "traced", "traceparent": f"00-{CALLER}-b7ad6b7169203331-01"},
    )
    operation_id = accepted.json()["operation_id"]
    await Clients(observed, http).finished(operation_id)

    await until(lambda: named(collector, CALLER) >= {*PATH, "RunWorkflow:CreateProposal"})
    spans = {span.span_id: span for span in of_trace(collector, CALLER)}
    commit = next(span for span in spans.values() if span.name == PATH[0])
    path = []
    while commit is not None:
        path.append(commit.name)
        commit = spans.get(commit.parent_span_id)
    assert path == PATH
    request = next(span for span in spans.values() if span.name.startswith("POST"))
    assert attributes(request) == {
        "http.request.method": "POST",
        "http.route": "/rebalance/proposals/async",
        "http.response.status_code": "202",
        "proposals.correlation_id": accepted.headers["x-correlation-id"],
        "proposals.operation_id": operation_id,
    }
    # Where a later start, by another process, would be traced.
    assert [link.trace_id.hex() for link in request.links] == [operation_id.removeprefix("pop_")]


async def test_a_start_by_another_process_goes_on_in_the_trace_that_the_request_links_to(observed, http, collector):
    observed.kill(observed.temporal.child)
    accepted = await http.post("/rebalance/proposals/async", json=a_body(), headers={"Idempotency-Key": "traced-later"})
    operation_id = accepted.json()["operation_id"]
    observed.kill(observed.api)
    observed.temporal.launch()
    observed.start_api()
    await Clients(observed, http).finished(operation_id)

    own = operation_id.removeprefix("pop_")
    await until(lambda: named(collector, own) >= {"RunWorkflow:CreateProposal", *PATH[:-1]})


async def test_spans_hold_nothing_of_the_client_and_logs_name_their_trace(observed, http, collector):
    body = a_body(metadata={"title": "marked-title", "advisor_notes": "marked-notes"})
    body["simulate_request"]["options"] = {}  # fails as an operation
    failed = await http.post("/rebalance/proposals/async", json=body, headers={"Idempotency-Key": "marked-key"})
    await Clients(observed, http).finished(failed.json()["operation_id"])
    await http.get(
        "/rebalance/proposals", params={"created_by": "marked-author"}, headers={"User-Agent": "marked-agent"}
    )
    await http.get("/marked-path?marked-query=1")
    await http.post("/rebalance/proposals/async", content=b'{"marked-json"', headers={"Idempotency-Key": "marked-5"})
    called = await http.post(
        "/rebalance/proposals/async",
        json=a_body(callback={"url": "http://127.0.0.1:1/marked-callback"}),
        headers={"Idempotency-Key": "marked-6", "X-Correlation-Id": "corr-of-call"},
    )
    operation_id = called.json()["operation_id"]
    await Clients(observed, http).finished(operation_id)
    attempted = await until(lambda: [line for line in logged(observed) if line["event"] == "callback_attempted"])

    sent = {"RunActivity:deliver_callback", "GET unmatched", "GET /rebalance/proposals"}
    await until(lambda: sent <= {span.name for span in collector.spans()})
    assert b"marked" not in b"".join(collector.bodies)
    assert not [span for span in collector.spans() if span.events or span.status.message]

    assert (attempted[0]["operation_id"], attempted[0]["correlation_id"]) == (operation_id, "corr-of-call")
    delivery = next(span for span in collector.spans() if span.name == "RunActivity:deliver_callback")
    assert attempted[0]["trace_id"] == delivery.trace_id.hex()


def logged(observed) -> list[dict]:
    return [
        json.loads(line) for line in (observed.folder / "worker.log").read_text().splitlines() if line.startswith("{")
    ]

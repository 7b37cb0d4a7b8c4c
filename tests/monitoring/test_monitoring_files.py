"""Dashboard and alerts speak of metrics and labels that the running service exports."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from builders import a_body
from http_clients import http_client
from openapi_document import DOCUMENT
from page_tables import page_of, plain, rows, section
from prometheus_client.parser import text_string_to_metric_families
from running_service import Clients
from waiting import until

from domain.callback_retries import DeliveryStatus
from domain.operation import OperationStatus, OperationType
from services.open_operations import Refusal
from storage.retention import KINDS
from workflows.messages import ReconcileDeliveriesResult, ReconcileResult

ROOT = Path(__file__).parent.parent.parent
MONITORING = ROOT / "deploy" / "monitoring"
RULES = [rule for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
EXPRESSIONS = [
    target["expr"]
    for panel in json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    for target in panel.get("targets", ())
] + [rule["expr"] for rule in RULES]
SELECTOR = re.compile(r"\b((?:proposals|temporal|process)_\w+)(?:\{([^}]*(?:\{\w+\}[^}]*)*)\})?")
SCRAPED = {"job", "instance", "le"}  # what Prometheus adds


@pytest.fixture
async def exported(observed, worker_metrics_port) -> dict[str, set[str]]:
    """The names of the series of API and worker after one operation, with the names of their labels."""
    async with http_client(observed.url) as http:
        clients = Clients(observed, http)
        await clients.finished(await clients.submit())
        pages = [(await http.get(url)).text for url in ("/metrics", f"http://127.0.0.1:{worker_metrics_port}/metrics")]
    found: dict[str, set[str]] = {}
    for page in pages:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


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


def test_the_page_of_metrics_has_the_values_of_every_closed_label():
    shown = {(plain(row[0]), row[1]): row[2] for row in rows(section(page_of("reference/metrics.md"), "Labels"))}
    closed = {
        ("limit", "refused operations"): list(Refusal),
        ("type", "operations"): list(OperationType),
        ("status", "operations"): [status for status in OperationStatus if status.is_terminal],
        ("status", "open operations"): [status for status in OperationStatus if not status.is_terminal],
        ("status", "ended callbacks"): [status for status in DeliveryStatus if status is not DeliveryStatus.PENDING],
        ("outcome", "reconciled operations"): [
            name for name in ReconcileResult.model_fields if not name.startswith("is_")
        ],
        ("outcome", "reconciled deliveries"): list(ReconcileDeliveriesResult.model_fields),
        ("kind", "purged rows"): list(KINDS),
    }
    assert {label: re.findall(r"`([^`]+)`", shown[label]) for label in closed} == closed


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
        [age] = re.findall(r"^proposals_checkpoint_age_seconds (.+)$", (await http.get("/metrics")).text, re.MULTILINE)
    assert float(age) < 3600


PARTS = ("- **Fires when** ", "- **Users notice** ", "- **Check** ", "- **Do**", "- **Escalate** ")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_leads_to_its_section_of_the_runbook(rule):
    runbook = (ROOT / "docs" / "guides" / "runbook.md").read_text()
    section = f"docs/guides/runbook.md#{rule['alert'].lower()}"
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["meaning"] == rule["annotations"]["runbook"] == section
    [entry] = re.findall(rf"^### {rule['alert']}\n(.*?)(?=^##)", runbook, re.MULTILINE | re.DOTALL)
    assert [part for part in PARTS if f"\n{part}" not in entry] == []
    [row] = re.findall(rf"^\| {rule['labels']['severity']} \| .*$", runbook, re.MULTILINE)
    assert f"](#{rule['alert'].lower()})" in row


def test_the_runbook_has_no_section_of_an_alert_that_is_gone():
    runbook = (ROOT / "docs" / "guides" / "runbook.md").read_text()
    assert re.findall(r"^### (Proposals\w+)$", runbook, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_the_alert_for_slow_requests_counts_all_routes_but_those_that_compute():
    [slow] = [rule["expr"] for rule in RULES if rule["alert"] == "ProposalsSlow"]
    [excluded] = re.findall(r'route!~"([^"]+)"', slow)
    paths = set(DOCUMENT["paths"]) | {"unmatched"}
    assert {path for path in paths if re.fullmatch(excluded, path)} == {
        "/rebalance/proposals/simulate",
        "/rebalance/proposals/artifact",
        "unmatched",
    }


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus")
def test_each_alert_fires_for_what_it_is_about():
    for command in (
        ["check", "rules", MONITORING / "alerts.yml"],
        ["test", "rules", Path(__file__).parent / "alerts_test.yml"],
    ):
        ran = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr

"""Alerts, their tests and their runbook, and the values of labels that the page of metrics names."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from openapi_document import DOCUMENT
from page_tables import page_of, plain, rows, section

from domain.callback_retries import DeliveryStatus
from domain.operation import OperationStatus, OperationType
from services.open_operations import Refusal
from storage.retention import KINDS
from workflows.messages import ReconcileDeliveriesResult, ReconcileResult

ROOT = Path(__file__).parent.parent.parent
MONITORING = ROOT / "deploy" / "monitoring"
RULES = [rule for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"] for rule in group["rules"]]


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

"""Stage 9: what a reviewer must see, and whether the proposal brings it or takes it away."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from domain.engine.codes import SEVERITY_ORDER
from domain.engine.market import Market
from domain.engine.suitability_scan import Issue, Scan
from domain.engine.value import ValuedState
from domain.options import EngineOptions
from domain.request import ProposedTrade

CHANGE_ORDER: Final = {"NEW": 0, "PERSISTENT": 1, "RESOLVED": 2}


class Finding(NamedTuple):
    """An issue, and what the proposal does to it."""

    change: str
    issue: Issue


def scan_suitability(
    before: ValuedState, after: ValuedState, trades: Sequence[ProposedTrade], market: Market, options: EngineOptions
) -> list[Finding]:
    """The issues of both states in the contract's order: an issue that stays shows its version after."""
    scan = Scan(before, market, options)
    issues_before = {issue.issue_key: issue for issue in scan.issues(before)}
    issues_after = {issue.issue_key: issue for issue in scan.issues(after)}
    issues_after |= {issue.issue_key: issue for issue in scan.attempts(trades, after)}
    findings = [Finding("PERSISTENT" if key in issues_before else "NEW", issue) for key, issue in issues_after.items()]
    findings += [Finding("RESOLVED", issue) for key, issue in issues_before.items() if key not in issues_after]
    return sorted(findings, key=_rank)


def suitability_json(findings: Sequence[Finding], *, portfolio_id: str, market_data_id: str) -> dict[str, Any]:
    """The result's suitability."""
    evidence = {
        "as_of": market_data_id,
        "snapshot_ids": {"portfolio_snapshot_id": portfolio_id, "market_data_snapshot_id": market_data_id},
    }
    changes = [finding.change for finding in findings]
    new_severities = {finding.issue.severity for finding in findings if finding.change == "NEW"}
    return {
        "summary": {
            "new_count": changes.count("NEW"),
            "resolved_count": changes.count("RESOLVED"),
            "persistent_count": changes.count("PERSISTENT"),
            "highest_severity_new": min(new_severities, key=SEVERITY_ORDER.__getitem__, default=None),
        },
        "issues": [
            {
                "issue_id": issue.issue_id,
                "issue_key": issue.issue_key,
                "dimension": issue.dimension,
                "severity": issue.severity,
                "status_change": change,
                "summary": issue.summary,
                "details": issue.details,
                "evidence": evidence,
            }
            for change, issue in findings
        ],
        "recommended_gate": _recommended_gate(new_severities),
    }


def _recommended_gate(new_severities: set[str]) -> str:
    if "HIGH" in new_severities:
        return "COMPLIANCE_REVIEW"
    return "RISK_REVIEW" if "MEDIUM" in new_severities else "NONE"


def _rank(finding: Finding) -> tuple[int, int, str, str]:
    issue = finding.issue
    return CHANGE_ORDER[finding.change], SEVERITY_ORDER[issue.severity], issue.dimension, issue.issue_key

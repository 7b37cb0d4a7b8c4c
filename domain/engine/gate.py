"""Stage 10: which gate a proposal should pass next (D12, D14). Advice: it constrains no transition."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.engine.codes import GAPS, NEW_ISSUE, RULE_FAILED, SEVERITY_ORDER

NEXT_STEP: Final = {
    "BLOCKED": "FIX_INPUT",
    "COMPLIANCE_REVIEW_REQUIRED": "COMPLIANCE_REVIEW",
    "RISK_REVIEW_REQUIRED": "RISK_REVIEW",
    "EXECUTION_READY": "EXECUTE",
    "CLIENT_CONSENT_REQUIRED": "REQUEST_CLIENT_CONSENT",
}


def decide_gate(
    *,
    status: str,
    rule_results: Sequence[Mapping[str, Any]],
    suitability: Mapping[str, Any] | None,
    data_quality: Mapping[str, Sequence[str]],
    is_consent_obtained: bool,
) -> dict[str, Any]:
    """The gate_decision, from the parts of a result as they are serialised."""
    failed, new_issues = _failed(rule_results), _new_issues(suitability)
    counts = gate_counts(rule_results, suitability)
    gate = _gate(status, counts, is_consent_obtained=is_consent_obtained)
    return {
        "gate": gate,
        "recommended_next_step": NEXT_STEP[gate],
        "reasons": _reasons(failed, new_issues, data_quality),
        "summary": counts,
    }


def gate_counts(rule_results: Sequence[Mapping[str, Any]], suitability: Mapping[str, Any] | None) -> dict[str, int]:
    """The findings that decide about the gate, by their weight."""
    failed, new_issues = _failed(rule_results), _new_issues(suitability)
    return {
        "hard_fail_count": sum(rule["severity"] == "HARD" for rule in failed),
        "soft_fail_count": sum(rule["severity"] == "SOFT" for rule in failed),
        "new_high_suitability_count": sum(issue["severity"] == "HIGH" for issue in new_issues),
        "new_medium_suitability_count": sum(issue["severity"] == "MEDIUM" for issue in new_issues),
    }


def _failed(rule_results: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [rule for rule in rule_results if rule["status"] == "FAIL"]


def _new_issues(suitability: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    return [issue for issue in (suitability or {}).get("issues", ()) if issue["status_change"] == "NEW"]


def _gate(status: str, counts: Mapping[str, int], *, is_consent_obtained: bool) -> str:
    if status == "BLOCKED" or counts["hard_fail_count"]:
        return "BLOCKED"
    if counts["new_high_suitability_count"]:
        return "COMPLIANCE_REVIEW_REQUIRED"
    if counts["soft_fail_count"] or counts["new_medium_suitability_count"]:
        return "RISK_REVIEW_REQUIRED"
    return "EXECUTION_READY" if is_consent_obtained else "CLIENT_CONSENT_REQUIRED"


def _reasons(
    failed: Sequence[Mapping[str, Any]],
    new_issues: Sequence[Mapping[str, Any]],
    data_quality: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    reasons = [
        _reason(
            f"{RULE_FAILED[rule['severity']]}:{rule['rule_id']}",
            "HIGH" if rule["severity"] == "HARD" else "MEDIUM",
            "RULE_ENGINE",
            {"reason_code": rule["reason_code"]},
        )
        for rule in failed
    ]
    reasons += [
        _reason(
            NEW_ISSUE[issue["severity"]],
            issue["severity"],
            "SUITABILITY",
            {"issue_id": issue["issue_id"], "issue_key": issue["issue_key"]},
        )
        for issue in new_issues
        if issue["severity"] in NEW_ISSUE
    ]
    reasons += [
        _reason(code, "HIGH", "DATA_QUALITY", {"count": str(len(data_quality[gap]))})
        for gap, code in GAPS.items()
        if data_quality[gap]
    ]
    return sorted(reasons, key=_rank)


def _reason(reason_code: str, severity: str, source: str, details: dict[str, str]) -> dict[str, Any]:
    return {"reason_code": reason_code, "severity": severity, "source": source, "details": details}


def _rank(reason: Mapping[str, Any]) -> tuple[int, str, str, str]:
    details = reason["details"]
    return (
        SEVERITY_ORDER[reason["severity"]],
        reason["source"],
        reason["reason_code"],
        details.get("issue_key") or details.get("reason_code") or "",
    )

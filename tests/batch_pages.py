"""Pages of batches, with names and figures as wide as they may be."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from api.pages.batch_page import batch_page
from domain.operation import Operation, OperationStatus, OperationType

AT: Final = datetime(2026, 11, 26, 6, 30, tzinfo=UTC)
LONG_ITEM: Final = "LONG_NAME_OF_AN_ITEM:/" + "W" * 106
LONG_SCENARIO: Final = "w" * 64
LONG_PLACE: Final = ["items", 4711, "portfolio_snapshot", "n" * 200]
GATES: Final = ("BLOCKED", "CLIENT_CONSENT_REQUIRED", "COMPLIANCE_REVIEW_REQUIRED", "EXECUTION_READY")


def a_batch(status: OperationStatus = OperationStatus.SUCCEEDED, **changes: Any) -> Operation:
    values: dict[str, Any] = {
        "operation_id": f"pop_{'0' * 32}",
        "operation_type": OperationType.ANALYZE_SCENARIOS,
        "status": status,
        "client": "local",
        "correlation_id": "W" * 128,
        "idempotency_key": "hv-1",
        "proposal_id": None,
        "created_at": AT,
        "attempt": 1,
        "request_hash": "sha256:0",
        "request_document": "sha256:0",
        "portfolio_id": None,
        "created_by": "d" * 255,
        "policy": "{}",
        "is_large": True,
        "updated_at": AT,
        "started_at": AT,
        "finished_at": AT if status.is_terminal else None,
        "progress_at": AT,
        "scenario_count": 3,
        "runs_total": 50_000,
        "runs_succeeded": 49_000,
        "runs_failed": 1_000,
    }
    return Operation(**values | changes)


def a_result(scenarios: int, *, amount: str = "98765432109876.543210987654321") -> dict[str, Any]:
    """In currencies of no, two and three decimals; some scenarios have long names, and no turnover in one currency."""
    names = [LONG_SCENARIO, *(f"scenario_{number}" for number in range(1, scenarios))]
    return {
        "counts": {"total": 50_000, "succeeded": 49_000, "failed": 1_000},
        "warnings": ["PARTIAL_BATCH_FAILURE", "MIXED_ENGINE_VERSIONS"],
        "scenarios": {
            name: {
                "statuses": {"READY": 1500 - 70 * number, "PENDING_REVIEW": 700, "BLOCKED": 70 * number},
                "failed": 230,
                "gates": dict.fromkeys(GATES, 50000 - number),
                "gross_turnover_notional_base": {"JPY": "0", "TND": amount} | ({"SGD": "2700.0000"} if number else {}),
            }
            for number, name in enumerate(names)
        },
        "failures": {"VALIDATION_FAILED": 1_000},
        "engine_version": None,
        "results_hash": f"sha256:{'0' * 64}",
        "runs_url": "/r",
    }


def failed_runs(scenarios: int) -> list[str]:
    errors = [{"type": "t", "loc": LONG_PLACE, "msg": "Input should be a valid decimal"}] * 3
    runs = [
        {"item_id": item, "scenario": name, "error": {"code": code, "message": code, "errors": listed}}
        for item, code, listed in (
            (LONG_ITEM, "VALIDATION_FAILED", errors),
            ("pf_2", "PROPOSAL_SIMULATION_DISABLED", []),
            ("<b>&amp;", "OPERATION_INTERNAL_ERROR", []),
        )
        for name in [LONG_SCENARIO, *(f"scenario_{number}" for number in range(1, scenarios))]
    ]
    return [json.dumps(run) for run in runs]


def a_worst_page(scenarios: int) -> str:
    text = json.dumps(a_result(scenarios)).encode()
    return batch_page(a_batch(scenario_count=scenarios), text, failed_runs(scenarios), has_more=True)


def an_open_page() -> str:
    running = a_batch(OperationStatus.RUNNING, runs_succeeded=20_000, runs_failed=7)
    return batch_page(running, None, failed_runs(1), has_more=False)


def a_failed_page() -> str:
    ended = a_batch(
        OperationStatus.FAILED,
        error_code="ProposalOperationCancelledError",
        error_message="OPERATION_CANCELLED",
        runs_failed=0,
    )
    return batch_page(ended, None, [], has_more=False)

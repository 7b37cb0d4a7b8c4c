from datetime import timedelta

import httpx2
import pytest
from builders import NOW, an_operation
from prometheus_client import generate_latest

from cli.local.ports import free_port
from domain.errors import OperationCancelled
from domain.operation import Operation, OperationFailure, OperationStatus
from runtime.metrics import ProcessMetrics


def ended(failure: OperationFailure | None) -> Operation:
    status = OperationStatus.SUCCEEDED if failure is None else OperationStatus.FAILED
    error = {} if failure is None else {"error_code": failure.code, "error_message": failure.message}
    return an_operation(status=status, created_at=NOW - timedelta(seconds=3), updated_at=NOW, finished_at=NOW, **error)


def test_ends_are_counted_by_codes_of_the_contract_and_no_other_text():
    metrics = ProcessMetrics()
    metrics.operation_ended(ended(None))
    metrics.operation_ended(ended(OperationFailure.of(OperationCancelled)))
    metrics.operation_ended(ended(OperationFailure(code="Invented", message="a text of somebody")))

    def count(status: str, code: str) -> float | None:
        labels = {"type": "CREATE_PROPOSAL", "status": status, "code": code}
        return metrics.registry.get_sample_value("proposals_operations_ended_total", labels)

    assert [count("SUCCEEDED", ""), count("FAILED", "OPERATION_CANCELLED"), count("FAILED", "OTHER")] == [1, 1, 1]
    assert b"somebody" not in generate_latest(metrics.registry)
    labels = {"type": "CREATE_PROPOSAL", "status": "SUCCEEDED", "le": "2.5"}
    assert metrics.registry.get_sample_value("proposals_operation_seconds_bucket", labels) == 0
    assert metrics.registry.get_sample_value("proposals_operation_seconds_bucket", labels | {"le": "5.0"}) == 1


def test_metrics_are_served_on_a_port_that_is_free():
    metrics, port = ProcessMetrics(), free_port()
    with metrics.served(host="127.0.0.1", port=port):
        page = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        with pytest.raises(OSError, match="in use"), ProcessMetrics().served(host="127.0.0.1", port=port):
            pytest.fail("the port is taken")
    assert "proposals_operations_ended_total" in page
    with metrics.served(host="127.0.0.1", port=port):
        pass  # it is free again


def test_each_process_has_a_registry_of_its_own():
    first, second = ProcessMetrics(), ProcessMetrics()
    first.operation_ended(ended(None))
    labels = {"type": "CREATE_PROPOSAL", "status": "SUCCEEDED", "code": ""}
    assert second.registry.get_sample_value("proposals_operations_ended_total", labels) == 0

from datetime import timedelta

from builders import NOW, an_operation
from prometheus_client import generate_latest

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


def test_each_process_has_a_registry_of_its_own():
    first, second = ProcessMetrics(), ProcessMetrics()
    first.operation_ended(ended(None))
    labels = {"type": "CREATE_PROPOSAL", "status": "SUCCEEDED", "code": ""}
    assert second.registry.get_sample_value("proposals_operations_ended_total", labels) == 0

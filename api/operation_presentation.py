"""Operations in the shapes of the contract, key order included."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from api.json_text import json_text
from api.presentation import PREFIX, as_created, optional_timestamp
from domain.operation import ExpiredOperation, Operation
from domain.timestamps import wire_timestamp
from services.lookup import CreatedVersion
from storage.keyset import Page


def operation_path(operation_id: str) -> str:
    return f"{PREFIX}/operations/{operation_id}"


def callbacks_path(operation_id: str) -> str:
    return f"{operation_path(operation_id)}/callbacks"


def accepted(operation: Operation | ExpiredOperation) -> dict[str, Any]:
    return {
        "operation_id": operation.operation_id,
        "operation_type": operation.operation_type,
        "status": operation.status,
        "correlation_id": operation.correlation_id,
        "created_at": wire_timestamp(operation.created_at),
        "status_url": operation_path(operation.operation_id),
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationPresenter:
    """Operations as AsyncStatus; `retention` is how long an ended one is kept."""

    retention: timedelta
    temporal_ui_url: str | None
    temporal_namespace: str

    def status(self, operation: Operation) -> dict[str, Any]:
        """Everything of the answer that needs no document; `result` is added by `with_result`."""
        failure = operation.failure
        return {
            "operation_id": operation.operation_id,
            "operation_type": operation.operation_type,
            "status": operation.status,
            "correlation_id": operation.correlation_id,
            "idempotency_key": operation.idempotency_key,
            "attempt": operation.attempt,
            "proposal_id": operation.proposal_id,
            "version_no": operation.version_no,
            "created_by": operation.created_by,
            "created_at": wire_timestamp(operation.created_at),
            "started_at": optional_timestamp(operation.started_at),
            "finished_at": optional_timestamp(operation.finished_at),
            "updated_at": wire_timestamp(operation.updated_at),
            "expires_at": optional_timestamp(operation.expires_at(self.retention)),
            "error": None if failure is None else {"code": failure.code, "message": failure.message},
            "links": {
                "self": operation_path(operation.operation_id),
                "proposal": None if operation.proposal_id is None else f"{PREFIX}/{operation.proposal_id}",
                "callbacks": callbacks_path(operation.operation_id) if operation.has_callback else None,
                "temporal_ui": self._temporal_ui(operation.operation_id),
            },
        }

    def page(self, page: Page[Operation]) -> dict[str, Any]:
        return {"items": [self.status(operation) for operation in page.items], "next_cursor": page.next_cursor}

    def _temporal_ui(self, operation_id: str) -> str | None:
        if self.temporal_ui_url is None:
            return None
        return f"{self.temporal_ui_url.rstrip('/')}/namespaces/{self.temporal_namespace}/workflows/{operation_id}"


def with_result(status: dict[str, Any], created: CreatedVersion | None) -> dict[str, Any]:
    """The status with its `result` where the contract has it, before `error`."""
    result = None if created is None else as_created(created)
    placed: dict[str, Any] = {}
    for name, value in status.items():
        if name == "error":
            placed["result"] = result
        placed[name] = value
    return placed


def entity_tag(status: dict[str, Any], *, has_result: bool) -> str:
    """A strong tag: everything that the bytes of the answer depend on, read without a document."""
    digest = sha256(f"{has_result}{json_text(status)}".encode()).hexdigest()
    return f'"{digest[:32]}"'

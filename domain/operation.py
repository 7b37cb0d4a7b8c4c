"""The long-running operation: one accepted create or version create."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.canonical import canonical_text
from domain.errors import ProposalError

PROPOSALS_SCOPE: Final = "proposals"
VERSIONS_SCOPE: Final = "versions"


class OperationType(StrEnum):
    CREATE_PROPOSAL = "CREATE_PROPOSAL"
    CREATE_PROPOSAL_VERSION = "CREATE_PROPOSAL_VERSION"


class OperationStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def is_terminal(self) -> bool:
        return self in (OperationStatus.SUCCEEDED, OperationStatus.FAILED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The flags in force when an operation was accepted: it is judged by them whenever it runs."""

    require_simulation_flag: bool = True
    store_evidence_bundle: bool = True
    allow_portfolio_change_on_new_version: bool = False
    strict_version_binding: bool = False

    def as_text(self) -> str:
        return canonical_text(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Policy":
        return cls(**json.loads(text))


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotencyKey:
    """A client's key; `scope` is `proposals`, or one proposal's endpoint."""

    client: str
    scope: str
    key: str

    @classmethod
    def of_creates(cls, key: str, *, client: str) -> "IdempotencyKey":
        return cls(client=client, scope=PROPOSALS_SCOPE, key=key)

    @classmethod
    def of_endpoint(cls, scope: str, proposal_id: str, key: str, *, client: str) -> "IdempotencyKey":
        return cls(client=client, scope=f"{scope}:{proposal_id}", key=key)


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationFailure:
    """How a FAILED operation ended: `code` is the wire's class name, `message` the contract's text."""

    code: str
    message: str

    @classmethod
    def of(cls, error: type[ProposalError]) -> "OperationFailure":
        return cls(code=error.wire_class, message=error.detail())


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedOperation:
    """An operation at its end; `failure` is None when it succeeded."""

    operation_type: OperationType
    created_at: datetime
    finished_at: datetime
    failure: OperationFailure | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One row of `operations` as readers see it; times are UTC."""

    operation_id: str
    operation_type: OperationType
    status: OperationStatus
    client: str
    idempotency_key: str | None
    attempt: int
    correlation_id: str
    request_hash: str
    portfolio_id: str
    created_by: str
    is_large: bool
    proposal_id: str | None
    version_no: int | None
    error_code: str | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    has_callback: bool = False

    @property
    def failure(self) -> OperationFailure | None:
        if self.error_code is None or self.error_message is None:
            return None
        return OperationFailure(code=self.error_code, message=self.error_message)

    @property
    def key(self) -> IdempotencyKey | None:
        """The key that made the operation, in the scope of the endpoint that took it."""
        if self.idempotency_key is None:
            return None
        if self.operation_type is OperationType.CREATE_PROPOSAL or self.proposal_id is None:
            return IdempotencyKey.of_creates(self.idempotency_key, client=self.client)
        return IdempotencyKey.of_endpoint(VERSIONS_SCOPE, self.proposal_id, self.idempotency_key, client=self.client)

    def expires_at(self, retention: timedelta) -> datetime | None:
        """When the purge may take the finished operation; None while it is open."""
        return None if self.finished_at is None else self.finished_at + retention


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpiredOperation:
    """The tombstone of a purged operation: what is still said of it; times are UTC."""

    operation_id: str
    operation_type: OperationType
    status: OperationStatus
    client: str
    error_code: str | None
    correlation_id: str
    idempotency_key: str | None
    proposal_id: str | None
    version_no: int | None
    created_at: datetime
    finished_at: datetime
    expired_at: datetime

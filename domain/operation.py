"""The long-running operation: one accepted create, version create, simulation or batch."""

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.canonical import canonical_text, sha256_of
from domain.errors import ProposalError, problem_code
from domain.ids import derived_id

PROPOSALS_SCOPE: Final = "proposals"
VERSIONS_SCOPE: Final = "versions"
ANALYSES_SCOPE: Final = "analyses"
SIMULATIONS_SCOPE: Final = "simulations"


class OperationType(StrEnum):
    CREATE_PROPOSAL = "CREATE_PROPOSAL"
    CREATE_PROPOSAL_VERSION = "CREATE_PROPOSAL_VERSION"
    ANALYZE_SCENARIOS = "ANALYZE_SCENARIOS"
    SIMULATE_PROPOSAL = "SIMULATE_PROPOSAL"


MAKES_VERSION: Final = frozenset({OperationType.CREATE_PROPOSAL, OperationType.CREATE_PROPOSAL_VERSION})
TITLES: Final = {
    OperationType.CREATE_PROPOSAL: "Create proposal",
    OperationType.CREATE_PROPOSAL_VERSION: "Create version",
    OperationType.SIMULATE_PROPOSAL: "Simulate proposal",
}


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
    """A client's key; `scope` is `proposals`, `analyses`, `simulations`, or one proposal's endpoint."""

    client: str
    scope: str
    key: str

    @classmethod
    def of_creates(cls, key: str, *, client: str) -> "IdempotencyKey":
        return cls(client=client, scope=PROPOSALS_SCOPE, key=key)

    @classmethod
    def of_batches(cls, key: str, *, client: str) -> "IdempotencyKey":
        return cls(client=client, scope=ANALYSES_SCOPE, key=key)

    @classmethod
    def of_simulations(cls, key: str, *, client: str) -> "IdempotencyKey":
        return cls(client=client, scope=SIMULATIONS_SCOPE, key=key)

    @classmethod
    def of_endpoint(cls, scope: str, proposal_id: str, key: str, *, client: str) -> "IdempotencyKey":
        return cls(client=client, scope=f"{scope}:{proposal_id}", key=key)


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationFailure:
    """The reason of a FAILED operation: `code` is the wire's class name, `message` the contract's text."""

    code: str
    message: str

    @classmethod
    def of(cls, error: type[ProposalError]) -> "OperationFailure":
        return cls(code=error.wire_class, message=error.detail())

    @property
    def problem(self) -> str:
        """The code that a problem about this failure has."""
        return problem_code(self.message)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedEvidence:
    """The evidence of a version or simulation, all made by one engine version; documents by address."""

    result_document: str
    simulation_status: str
    simulation_hash: str
    gate_decision: str | None
    inputs_document: str
    artifact_document: str
    artifact_hash: str
    engine_version: str

    @property
    def documents(self) -> tuple[str, str, str]:
        return self.result_document, self.inputs_document, self.artifact_document

    @property
    def seal(self) -> str:
        """Changes with the engine version and with each document: equal seals mean the same evidence."""
        return sha256_of("\n".join((self.engine_version, *self.documents)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a batch has come, in runs; computed runs stay computed, also when the batch ends before the others."""

    total: int
    succeeded: int
    failed: int

    @property
    def remaining(self) -> int:
        return self.total - self.succeeded - self.failed


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationSummary:
    """The fields of an operation that its tombstone keeps after the purge; times are UTC."""

    operation_id: str
    operation_type: OperationType
    status: OperationStatus
    client: str
    error_code: str | None = None
    correlation_id: str
    idempotency_key: str | None
    proposal_id: str | None
    version_no: int | None = None
    created_at: datetime
    runs_total: int | None = None
    runs_succeeded: int | None = None
    runs_failed: int | None = None

    @property
    def progress(self) -> Progress | None:
        """None for an operation that is no batch."""
        if self.runs_total is None:
            return None
        return Progress(total=self.runs_total, succeeded=self.runs_succeeded or 0, failed=self.runs_failed or 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpiredOperation(OperationSummary):
    """The tombstone of a purged operation. Its client can read all fields but `client`, in this order."""

    finished_at: datetime
    expired_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation(OperationSummary):
    """One row of `operations`: a new one as it is written, any other as it is read.

    Only what is long or secret is missing: the metadata of the request, the gate's decision, and the callback's URL and
    headers. `WholeOperation` has the first two, `storage.deliveries` reads the callback. `proposal_id` and
    `expected_version_no` of a version are its target, which may not exist, and the version that its author expected
    there. Documents are named by their addresses; `policy` is canonical JSON. `cancelled_by` and `retried_by` are the
    actors of those two requests; of an end in the Temporal UI, `cancelled_by` is the identity that Temporal gives.
    Counts of scenarios, chunks and runs are a batch's, which has a `portfolio_id` only when it is of one portfolio.
    """

    attempt: int
    request_hash: str
    request_document: str
    portfolio_id: str | None
    created_by: str
    policy: str
    is_large: bool
    has_callback: bool = False
    expected_version_no: int | None = None
    scenario_count: int | None = None
    chunk_count: int | None = None
    proposal_version_id: str | None = None
    error_message: str | None = None
    result_document: str | None = None
    simulation_status: str | None = None
    simulation_hash: str | None = None
    inputs_document: str | None = None
    artifact_document: str | None = None
    artifact_hash: str | None = None
    evidence_seal: str | None = None
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    progress_at: datetime
    start_claimed_at: datetime | None = None
    started_workflow_at: datetime | None = None
    workflow_restarts: int = 0
    successor_id: str | None = None
    workflow_to_cancel: bool = False
    cancelled_by: str | None = None
    retried_by: str | None = None

    @property
    def is_terminal(self) -> bool:
        return self.status.is_terminal

    @property
    def is_batch(self) -> bool:
        return self.operation_type is OperationType.ANALYZE_SCENARIOS

    @property
    def makes_version(self) -> bool:
        return self.operation_type in MAKES_VERSION

    @property
    def title(self) -> str:
        """What it does, for operators, without a word of the client."""
        if self.is_batch:
            scenarios = self.scenario_count or 1
            return f"Analyze {(self.runs_total or 0) // scenarios} items in {scenarios} scenarios"
        return TITLES[self.operation_type]

    @property
    def made_proposal_id(self) -> str:
        """The proposal that a version is for, or that a create makes: the latter is known before there is one.

        Only what makes a version has one.
        """
        return derived_id("pp", self.operation_id) if self.proposal_id is None else self.proposal_id

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
        if self.operation_type is OperationType.ANALYZE_SCENARIOS:
            return IdempotencyKey.of_batches(self.idempotency_key, client=self.client)
        if self.operation_type is OperationType.SIMULATE_PROPOSAL:
            return IdempotencyKey.of_simulations(self.idempotency_key, client=self.client)
        if self.operation_type is OperationType.CREATE_PROPOSAL or self.proposal_id is None:
            return IdempotencyKey.of_creates(self.idempotency_key, client=self.client)
        return IdempotencyKey.of_endpoint(VERSIONS_SCOPE, self.proposal_id, self.idempotency_key, client=self.client)

    def expires_at(self, retention: timedelta) -> datetime | None:
        """When the purge may take the finished operation; None while it is open."""
        return None if self.finished_at is None else self.finished_at + retention


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeOperation(Operation):
    """An operation with the columns that only its worker reads.

    `metadata` is that of the request as canonical JSON, with an advisor's notes about a customer: it is in no repr.
    """

    metadata: str = field(repr=False)
    gate_decision: str | None = field(repr=False)

    def evidence(self, *, engine_version: str) -> RecordedEvidence | None:
        """What the steps have recorded, if they have recorded all of it and this engine version made it."""
        names = [made.name for made in fields(RecordedEvidence) if made.name != "engine_version"]
        if any(getattr(self, name) is None for name in names if name != "gate_decision"):
            return None
        evidence = RecordedEvidence(**{name: getattr(self, name) for name in names}, engine_version=engine_version)
        return evidence if evidence.seal == self.evidence_seal else None


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedOperation(WholeOperation):
    """An operation whose row the transaction holds locked, so that no other one can end it meanwhile.

    `locked_at` is PostgreSQL's time of the transaction, which is the time of the end as well.
    """

    locked_at: datetime

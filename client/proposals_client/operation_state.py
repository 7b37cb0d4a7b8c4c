"""Where an operation stands, read off its document; the models are needed for its result alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from proposals_client.errors import ProposalsError
from proposals_client.lazy_models import models
from proposals_client.reading import read_object

if TYPE_CHECKING:
    import httpx2

    from proposals_client.batch_result import BatchResult
    from proposals_client.models import AsyncStatus, CreateResponse

ENDED: Final = frozenset({"SUCCEEDED", "FAILED"})


@dataclass(frozen=True, slots=True)
class Progress:
    """Runs of a batch: all of them, those that were computed, and those that could not be."""

    total: int
    succeeded: int
    failed: int

    @property
    def done(self) -> int:
        return self.succeeded + self.failed


@dataclass(frozen=True, slots=True)
class OperationState:
    """`document` is the whole answer; `model()` is the same with types."""

    document: Mapping[str, Any]

    @property
    def operation_id(self) -> str:
        return str(self.document["operation_id"])

    @property
    def status(self) -> str:
        """PENDING, RUNNING, SUCCEEDED or FAILED."""
        return str(self.document["status"])

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def correlation_id(self) -> str:
        """Of the request that made the operation."""
        return str(self.document["correlation_id"])

    @property
    def key(self) -> str | None:
        return self.document.get("idempotency_key")

    @property
    def proposal_id(self) -> str | None:
        return self.document.get("proposal_id")

    @property
    def version_no(self) -> int | None:
        return self.document.get("version_no")

    @property
    def progress(self) -> Progress | None:
        """How far a batch has come; None for other operations."""
        counts = self.document.get("progress")
        return None if counts is None else Progress(counts["total"], counts["succeeded"], counts["failed"])

    @property
    def error(self) -> Mapping[str, Any] | None:
        """`code` and `message` of a FAILED one."""
        return self.document.get("error")

    def model(self) -> AsyncStatus:
        return read_object(models.AsyncStatus, self.document)


@dataclass(frozen=True, slots=True)
class Created:
    """What a SUCCEEDED operation made."""

    proposal_id: str
    version_no: int
    state: OperationState

    @property
    def result(self) -> CreateResponse:
        """Proposal, version with its simulation and artifact, and event, as they were at the end."""
        return read_object(models.CreateResponse, self.state.document["result"])


@dataclass(frozen=True, slots=True)
class Analyzed:
    """What came of a SUCCEEDED batch."""

    state: OperationState

    @property
    def result(self) -> BatchResult:
        """Counts, totals by scenario, failures by code, and the hash of all runs."""
        from proposals_client.batch_result import BatchResult  # noqa: PLC0415 -- with the models, not at the start

        return read_object(BatchResult, self.state.document["result"])


@dataclass(frozen=True, slots=True)
class _Meaning:
    what_to_do: str
    retryable: bool = False


MEANINGS: Final[Mapping[str, _Meaning]] = {
    "OPERATION_CANCELLED": _Meaning("It was cancelled; retry() submits the same request again.", retryable=True),
    "OPERATION_TERMINATED": _Meaning("An operator ended it; ask why, then retry().", retryable=True),
    "OPERATION_TIMED_OUT": _Meaning("It took too long; retry().", retryable=True),
    "OPERATION_INTERNAL_ERROR": _Meaning("Report the correlation id; retry() once it is fixed.", retryable=True),
    "OPERATION_TOO_EXPENSIVE": _Meaning("Make the request smaller and submit it again."),
    "ANALYSIS_ALL_RUNS_FAILED": _Meaning("Read the failed runs, correct them and submit a batch under a new key."),
    "IDEMPOTENCY_KEY_CONFLICT": _Meaning("The key stands for another request: submit under a new key."),
    "PROPOSAL_SIMULATION_DISABLED": _Meaning("Set options.enable_proposal_simulation and submit it again."),
    "PROPOSAL_NOT_FOUND": _Meaning("There is no such proposal: correct its id."),
    "PROPOSAL_TERMINAL_STATE": _Meaning("The proposal has ended: submit a new proposal."),
    "PORTFOLIO_CONTEXT_MISMATCH": _Meaning("A version keeps its proposal's portfolio: correct portfolio_id."),
    "VERSION_CONFLICT": _Meaning("Another version is current: read the proposal and decide again."),
}


class OperationFailed(ProposalsError):
    """The operation ended FAILED. `code` is what to decide by; `retryable`: retry() of the same request may succeed."""

    def __init__(self, state: OperationState) -> None:
        error = state.error or {}
        message = str(error.get("message", ""))
        super().__init__(f"{state.operation_id} failed: {message}")
        self.state = state
        self.operation_id = state.operation_id
        self.correlation_id = state.correlation_id
        self.detail = message
        self.code = str(error.get("problem") or message.partition(":")[0])
        meaning = MEANINGS.get(self.code)
        self.what_to_do = meaning and meaning.what_to_do
        self.retryable = meaning is not None and meaning.retryable


def is_replay_of(answer: httpx2.Response) -> bool:
    """Whether an earlier request with the same key made this answer."""
    return answer.headers.get("Idempotent-Replayed") == "true"

"""Where an operation stands, read off its document; the models are needed for its result alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from proposals_client.advice import WHAT_TO_DO
from proposals_client.errors import ProposalsError
from proposals_client.lazy_models import models
from proposals_client.reading import read_object

if TYPE_CHECKING:
    import httpx2

    from proposals_client.models import AsyncStatus, CreateResponse
    from proposals_client.operation_results import BatchResult, SimulationMade

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

    def __repr__(self) -> str:
        """Without the document: a log or a console would show a whole portfolio."""
        return f"{type(self).__name__}({self.document.get('operation_id')!r}, {self.document.get('status')!r})"

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
        from proposals_client.operation_results import BatchResult  # noqa: PLC0415 -- with the models, not at the start

        return read_object(BatchResult, self.state.document["result"])


def simulation_made(state: OperationState) -> SimulationMade:
    """What a SUCCEEDED simulation made."""
    from proposals_client.operation_results import SimulationMade  # noqa: PLC0415 -- with the models, not at the start

    return read_object(SimulationMade, state.document["result"])


RETRYABLE: Final = frozenset(
    {"OPERATION_CANCELLED", "OPERATION_TERMINATED", "OPERATION_TIMED_OUT", "OPERATION_INTERNAL_ERROR"}
)


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
        self.what_to_do = WHAT_TO_DO.get(self.code)
        self.retryable = self.code in RETRYABLE


def is_replay_of(answer: httpx2.Response) -> bool:
    """Whether an earlier request with the same key made this answer."""
    return answer.headers.get("Idempotent-Replayed") == "true"

"""The only error taxonomy: what can go wrong, in the words of the contract.

HTTP status codes (`api.http.error_catalogue`) and Temporal failures (`activities.boundary`) are read off `kind`,
`wire_class` and `detail`. `domain.error_help` has the text for people about each code.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar


class InvariantBroken(Exception):
    """A state that this code rules out: a bug, or rows that were changed by hand."""


class ErrorKind(StrEnum):
    """What an error means to its caller; a closed list, so that every boundary can translate all of it."""

    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNPROCESSABLE = "unprocessable"
    DISABLED = "disabled"
    UNAVAILABLE = "unavailable"
    GONE = "gone"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    INTERNAL = "internal"


class ProposalError(Exception):
    """A refusal or failure that the contract names; it carries fixed text only, never a value of a request."""

    code: ClassVar[str]
    text: ClassVar[str | None] = None
    kind: ClassVar[ErrorKind]
    wire_class: ClassVar[str] = "ProposalValidationError"
    retry_after_seconds: int | None = None  # where the time of a next try is known

    def __str__(self) -> str:
        return self.detail()

    @classmethod
    def detail(cls) -> str:
        """The code, or code, colon and text, as clients read it."""
        return cls.code if cls.text is None else f"{cls.code}: {cls.text}"

    def message(self) -> str:
        """The detail, and what only this occurrence knows; still no value of a request."""
        return self.detail()

    def members(self) -> Mapping[str, Any]:
        """Further members of this error's problem (RFC 9457, 3.2), as JSON values."""
        return {}


class NotFound(ProposalError):
    kind = ErrorKind.NOT_FOUND
    wire_class = "ProposalNotFoundError"


class StateConflict(ProposalError):
    kind = ErrorKind.CONFLICT
    wire_class = "ProposalStateConflictError"


class ProposalNotFound(NotFound):
    code = "PROPOSAL_NOT_FOUND"


class VersionNotFound(NotFound):
    """A version in a path."""

    code = "PROPOSAL_VERSION_NOT_FOUND"


class RelatedVersionUnknown(ProposalError):
    """A version that a body names."""

    code = "PROPOSAL_VERSION_NOT_FOUND"
    kind = ErrorKind.UNPROCESSABLE


class IdempotencyKeyNotFound(NotFound):
    code = "PROPOSAL_IDEMPOTENCY_KEY_NOT_FOUND"


class OperationNotFound(NotFound):
    code = "PROPOSAL_ASYNC_OPERATION_NOT_FOUND"


class OperationExpired(ProposalError):
    """An operation that was purged; `tombstone` is what is still known of it, as JSON values."""

    code = "OPERATION_EXPIRED"
    kind = ErrorKind.GONE
    wire_class = "ProposalNotFoundError"

    def __init__(self, tombstone: Mapping[str, str | int | None] | None = None) -> None:
        super().__init__(tombstone or {})
        self.tombstone = tombstone or {}

    def members(self) -> Mapping[str, Any]:
        return {"operation": self.tombstone}


class OperationAlreadyTerminal(StateConflict):
    """A cancel that came after the end."""

    code = "OPERATION_ALREADY_TERMINAL"


class OperationNotFailed(StateConflict):
    """A retry of what has not failed."""

    code = "OPERATION_NOT_FAILED"


class IdempotencyKeyConflict(ProposalError):
    code = "IDEMPOTENCY_KEY_CONFLICT"
    text = "request hash mismatch"
    kind = ErrorKind.CONFLICT
    wire_class = "ProposalIdempotencyConflictError"


class ProposalTerminal(ProposalError):
    code = "PROPOSAL_TERMINAL_STATE"
    text = "cannot create version"
    kind = ErrorKind.UNPROCESSABLE


class PortfolioContextMismatch(ProposalError):
    code = "PORTFOLIO_CONTEXT_MISMATCH"
    kind = ErrorKind.UNPROCESSABLE


class RefusedInState(ProposalError):
    """A refusal that depends on the proposal's state. It names that state and the events that are possible in it."""

    def __init__(self, current_state: str | None = None, allowed_events: Sequence[str] = ()) -> None:
        super().__init__(current_state, tuple(allowed_events))
        self.current_state = current_state
        self.allowed_events = tuple(allowed_events)

    def members(self) -> Mapping[str, Any]:
        return {"current_state": self.current_state, "allowed_events": list(self.allowed_events)}


class ExpectedStateRequired(RefusedInState):
    code = "STATE_CONFLICT"
    text = "expected_state is required"
    kind = ErrorKind.CONFLICT
    wire_class = "ProposalStateConflictError"


class ExpectedStateMismatch(RefusedInState):
    code = "STATE_CONFLICT"
    text = "expected_state mismatch"
    kind = ErrorKind.CONFLICT
    wire_class = "ProposalStateConflictError"


class VersionConflict(StateConflict):
    code = "VERSION_CONFLICT"


class InvalidTransition(RefusedInState):
    code = "INVALID_TRANSITION"
    kind = ErrorKind.UNPROCESSABLE


class InvalidApprovalState(RefusedInState):
    code = "INVALID_APPROVAL_STATE"
    kind = ErrorKind.UNPROCESSABLE


class CursorInvalid(ProposalError):
    """A cursor that this list never gave to this client."""

    code = "CURSOR_INVALID"
    kind = ErrorKind.UNPROCESSABLE


class SimulationDisabled(ProposalError):
    code = "PROPOSAL_SIMULATION_DISABLED"
    text = "set options.enable_proposal_simulation=true"
    kind = ErrorKind.UNPROCESSABLE


class SimulationNotStored(ProposalError):
    code = "PROPOSAL_IDEMPOTENCY_STORE_WRITE_FAILED"
    kind = ErrorKind.UNAVAILABLE


class LifecycleDisabled(ProposalError):
    code = "PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED"
    kind = ErrorKind.DISABLED


class SupportApisDisabled(ProposalError):
    code = "PROPOSAL_SUPPORT_APIS_DISABLED"
    kind = ErrorKind.DISABLED


class AsyncOperationsDisabled(ProposalError):
    code = "PROPOSAL_ASYNC_OPERATIONS_DISABLED"
    kind = ErrorKind.DISABLED


class StorageUnavailable(ProposalError):
    """PostgreSQL cannot be reached, does not answer in time, takes no writes, or has an older schema than needed."""

    code = "PROPOSAL_POSTGRES_CONNECTION_FAILED"
    kind = ErrorKind.UNAVAILABLE


class OperationInProgress(ProposalError):
    """A synchronous call whose operation goes on, in a service that serves no operations to poll."""

    code = "OPERATION_IN_PROGRESS"
    kind = ErrorKind.UNAVAILABLE


class OperationCancelled(ProposalError):
    code = "OPERATION_CANCELLED"
    kind = ErrorKind.CANCELLED
    wire_class = "ProposalOperationCancelledError"


class OperationTerminated(ProposalError):
    """An operator ended the workflow in the Temporal UI."""

    code = "OPERATION_TERMINATED"
    kind = ErrorKind.CANCELLED
    wire_class = "ProposalOperationTerminatedError"


class OperationTimedOut(ProposalError):
    code = "OPERATION_TIMED_OUT"
    kind = ErrorKind.TIMED_OUT
    wire_class = "ProposalOperationTimedOutError"


class OperationInternalError(ProposalError):
    """A bug or exhausted retries; never the exception's text."""

    code = "OPERATION_INTERNAL_ERROR"
    kind = ErrorKind.INTERNAL
    wire_class = "ProposalInternalError"


class AllRunsFailed(ProposalError):
    """A batch of which no run could be computed; each run says why."""

    code = "ANALYSIS_ALL_RUNS_FAILED"
    kind = ErrorKind.UNPROCESSABLE


class RunNotFound(NotFound):
    """A number of no computed run, or the runs of an operation that is no batch."""

    code = "RUN_NOT_FOUND"


class ServerBusy(ProposalError):
    """The process has no room for this request at the moment, for `reason`, in fixed words, or for its text."""

    code = "SERVER_BUSY"
    text = "too many large requests are being computed"
    kind = ErrorKind.UNAVAILABLE
    retry_after_seconds = 1

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason

    def message(self) -> str:
        return self.detail() if self.reason is None else f"{self.code}: {self.reason}"


class OperationTooExpensive(ProposalError):
    """A computation that twice took more time or memory than one may; `reason` is how its process ended last."""

    code = "OPERATION_TOO_EXPENSIVE"
    kind = ErrorKind.UNPROCESSABLE

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason


class CallbackUrlNotAllowed(ProposalError):
    code = "CALLBACK_URL_NOT_ALLOWED"
    text = "the url must be https and name a public host, without user information or fragment"
    kind = ErrorKind.UNPROCESSABLE

    def __init__(self, broken: str | None = None) -> None:
        """`broken` says which rule the url breaks, in fixed words."""
        super().__init__(broken)
        self.broken = broken

    def message(self) -> str:
        return self.detail() if self.broken is None else f"{self.detail()}; {self.broken}"


class CallbacksNotConfigured(ProposalError):
    code = "CALLBACKS_NOT_CONFIGURED"
    text = "this service has no secret to sign callbacks with"
    kind = ErrorKind.UNPROCESSABLE


class CallbackNotFound(NotFound):
    """A look at the callback of an operation that has none."""

    code = "OPERATION_HAS_NO_CALLBACK"


class OperationNotTerminal(StateConflict):
    code = "OPERATION_NOT_TERMINAL"


class OperationHasNoCallback(StateConflict):
    """A redelivery for an operation that has no callback."""

    code = "OPERATION_HAS_NO_CALLBACK"


class RedeliveryTooSoon(ProposalError):
    code = "REDELIVERY_TOO_SOON"
    kind = ErrorKind.RATE_LIMITED

    def __init__(self, retry_after_seconds: int = 60) -> None:
        super().__init__(retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class InsufficientScope(ProposalError):
    """A token without any of the `scopes`, one of which is needed."""

    code = "INSUFFICIENT_SCOPE"
    text = "the token has no scope for this"
    kind = ErrorKind.FORBIDDEN

    def __init__(self, scopes: Sequence[str] = ()) -> None:
        super().__init__(tuple(scopes))
        self.scopes = tuple(scopes)

    def members(self) -> Mapping[str, Any]:
        return {"required_scopes": list(self.scopes)}


class ActorMismatch(ProposalError):
    """A body that names another person than its token does."""

    code = "ACTOR_MISMATCH"
    text = "created_by and actor_id must be the subject of the token"
    kind = ErrorKind.FORBIDDEN


class FourEyesViolation(ProposalError):
    """A review by an author of what is reviewed."""

    code = "FOUR_EYES_VIOLATION"
    text = "the author of a proposal or of its current version cannot review it"
    kind = ErrorKind.FORBIDDEN


class TooManyOpenOperations(ProposalError):
    """The limit on open operations is reached: nothing was accepted, what is open goes on."""

    code = "TOO_MANY_OPEN_OPERATIONS"
    kind = ErrorKind.RATE_LIMITED
    retry_after_seconds = 5


def problem_code(detail: str) -> str:
    """The code that a detail begins with."""
    return detail.partition(":")[0]


def error_classes(parent: type[ProposalError] = ProposalError) -> list[type[ProposalError]]:
    """Every error with a code of its own."""
    children = parent.__subclasses__()
    return [
        error for child in children for error in (*([child] if "code" in vars(child) else ()), *error_classes(child))
    ]


def recorded_error(wire_class: str, message: str) -> ProposalError:
    """The error that an operation recorded, to be raised again. Raises LookupError for a pair of no error."""
    return _by_record()[wire_class, message]()


def is_recorded_failure(wire_class: str | None, message: str) -> bool:
    """Whether this pair is one that the contract lets an operation end with."""
    return (wire_class, message) in _by_record()


def _by_record() -> dict[tuple[str | None, str], type[ProposalError]]:
    return {(error.wire_class, error.detail()): error for error in error_classes()}

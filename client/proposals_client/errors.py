"""What can go wrong: refusals by the service's `code`, and what only the client knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ActorMismatch",
    "ApiError",
    "CallbackNotAllowed",
    "CallbackRefused",
    "Conflict",
    "ConnectionLost",
    "FeatureDisabled",
    "FieldError",
    "FloatRefused",
    "Forbidden",
    "FourEyesViolation",
    "Gone",
    "InsufficientScope",
    "InvalidApprovalState",
    "InvalidArgument",
    "InvalidTransition",
    "KeyConflict",
    "KeyNotFound",
    "NoCallback",
    "NotFound",
    "OperationEnded",
    "OperationExpired",
    "OperationNotEnded",
    "OperationNotFailed",
    "OperationNotFound",
    "ProposalNotFound",
    "ProposalsError",
    "RateLimited",
    "Refused",
    "RequestTooLarge",
    "ServerError",
    "ServiceUnreachable",
    "SimulationDisabled",
    "StateConflict",
    "TooExpensive",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "ValidationFailed",
    "VersionConflict",
    "VersionNotFound",
]


class ProposalsError(Exception):
    """Everything that this client raises. No text carries a token or a value of a request."""


class InvalidArgument(ProposalsError, ValueError):
    """An argument that no service could take; nothing was sent."""


class FloatRefused(ProposalsError, TypeError):
    """A float in a request, at `place` (a JSON Pointer); nothing was sent."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place or '/'} is a float, which is not exact: pass a Decimal, a str or an int")
        self.place = place


class ServiceUnreachable(ProposalsError, ConnectionError):
    """No answer came. `was_sent` says whether the service may have got the request; `key` makes a repeat safe."""

    def __init__(self, service: str, *, was_sent: bool, key: str | None) -> None:
        super().__init__(f"the service at {service} {'did not answer' if was_sent else 'cannot be reached'}")
        self.was_sent = was_sent
        self.key = key


class ConnectionLost(ProposalsError, ConnectionError):
    """An answer broke off in its midst."""


class UnexpectedAnswer(ProposalsError):
    """An answer that is none of this service's, or of a release that this client cannot read."""


class CallbackRefused(ProposalsError):
    """A call that is not from the service, or not from now."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong in a request: `place` is a JSON Pointer into the body, or names a parameter or header."""

    place: str
    detail: str
    code: str

    def __str__(self) -> str:
        return f"{self.place}: {self.detail}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What a problem says."""

    status: int
    code: str
    detail: str
    what_to_do: str | None
    retryable: bool
    errors: Sequence[FieldError]
    correlation_id: str | None
    retry_after: float | None
    key: str | None
    problem: Mapping[str, Any]


class ApiError(ProposalsError):
    """An answer that is an error. `code` is what to decide by; `problem` is the whole answer.

    `retryable`: the same request may succeed later, after `retry_after` seconds where that is known. `key` is the
    idempotency key that was sent. `what_to_do` is advice on the code; `errors` are there when the answer has them.
    """

    def __init__(self, answered: Answered) -> None:
        places = "".join(f"\n  {error}" for error in answered.errors)
        super().__init__(f"refused ({answered.status}): {answered.detail}{places}")
        self.status = answered.status
        self.code = answered.code
        self.detail = answered.detail
        self.what_to_do = answered.what_to_do
        self.retryable = answered.retryable
        self.errors = tuple(answered.errors)
        self.correlation_id = answered.correlation_id
        self.retry_after = answered.retry_after
        self.key = answered.key
        self.problem = answered.problem


class Unauthenticated(ApiError):
    """401: the token is missing, expired or not for this service."""


class Forbidden(ApiError):
    """403."""


class InsufficientScope(Forbidden):
    @property
    def required_scopes(self) -> tuple[str, ...]:
        """Scopes of which the token needs one; empty when the answer does not say."""
        return tuple(self.problem.get("required_scopes") or ())


class ActorMismatch(Forbidden):
    """`created_by` or the actor is not the subject of the token."""


class FourEyesViolation(Forbidden):
    """An author of the proposal cannot decide in its review."""


class NotFound(ApiError):
    """404."""


class ProposalNotFound(NotFound):
    pass


class VersionNotFound(NotFound):
    """Also with status 422, for a version that a transition or approval names."""


class OperationNotFound(NotFound):
    pass


class KeyNotFound(NotFound):
    """No proposal was made under this idempotency key, yet."""


class NoCallback(NotFound):
    """The operation was submitted without a callback; status 409 when its redelivery was asked for."""


class FeatureDisabled(NotFound):
    """The service runs without this feature."""


class Conflict(ApiError):
    """409."""


class KeyConflict(Conflict):
    """The idempotency key stands for another request."""


class _OfReview(ApiError):
    @property
    def current_state(self) -> str | None:
        """The proposal's present state, when the answer has it."""
        return self.problem.get("current_state")

    @property
    def allowed_events(self) -> tuple[str, ...]:
        """Events that the present state takes; empty when the answer does not say."""
        return tuple(self.problem.get("allowed_events") or ())


class StateConflict(_OfReview, Conflict):
    """The proposal is no longer in `expected_state`: read it again."""


class VersionConflict(Conflict):
    """Another version is current."""


class OperationEnded(Conflict):
    """A cancel came after the operation's end."""


class OperationNotEnded(Conflict):
    """A redelivery was asked for before the operation's end."""


class OperationNotFailed(Conflict):
    """Only a FAILED operation can be retried."""


class Gone(ApiError):
    """410."""


class OperationExpired(Gone):
    """The operation was purged."""

    @property
    def operation(self) -> Mapping[str, Any]:
        """What is still known of it, its `proposal_id` among it."""
        return self.problem.get("operation") or {}


class RequestTooLarge(ApiError):
    """413."""


class Refused(ApiError):
    """422: the request as it is will never be accepted."""


class ValidationFailed(Refused):
    """`errors` has each place that is wrong."""


class InvalidTransition(_OfReview, Refused):
    """The proposal's state does not take this event."""


class InvalidApprovalState(_OfReview, Refused):
    """The proposal's state does not take this decision."""


class SimulationDisabled(Refused):
    """`options.enable_proposal_simulation` is not set."""


class CallbackNotAllowed(Refused):
    """The service does not call this url, or signs no callbacks."""


class TooExpensive(Refused):
    """The request takes more time or memory than one request may."""


class RateLimited(ApiError):
    """429: nothing was done; the same again after `retry_after` seconds."""


class ServerError(ApiError):
    """5xx: whether anything was done is not known; the same key makes a repeat safe."""


class Unavailable(ServerError):
    """503."""

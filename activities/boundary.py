"""Errors translated for Temporal: a class name and a fixed text, never the text of an exception.

Every exception that reaches Temporal carries its text, and its cause's text, into the history; hence `from None`.
"""

import functools
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.own_workflow import ForeignWorkflow
from domain.errors import OperationInternalError, OperationNotFound, ProposalError, StorageUnavailable

UNEXPECTED_ATTEMPTS: Final = 5
FOREIGN: Final = "this workflow is not the operation's own, which has its id and its type: nothing was changed"
UNKNOWN: Final = f"{OperationNotFound.detail()}: PostgreSQL has no such operation, nothing was changed"

Self = TypeVar("Self")
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

log = structlog.get_logger(__name__)


def boundary(
    step: Callable[Concatenate[Self, Parameters], Awaitable[Result]],
) -> Callable[Concatenate[Self, Parameters], Coroutine[Any, Any, Result]]:
    """The step with its errors translated.

    An outage is retried for as long as the policy says. A business error is final at once. Anything else is a bug:
    retried, because some bugs pass, and final with OPERATION_INTERNAL_ERROR at the fifth such failure.
    """

    @functools.wraps(step)
    async def guarded(self: Self, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        # Temporal gives each activity a task of its own, and so a context of its own: nothing has to be unbound.
        if (operation_id := getattr(args[0] if args else None, "operation_id", None)) is not None:
            structlog.contextvars.bind_contextvars(operation_id=operation_id)
        try:
            return await step(self, *args, **kwargs)
        except ApplicationError:  # a step's own words: a fixed text already
            raise
        except Exception as failure:  # noqa: BLE001 -- the boundary is where everything is judged
            raise _translated(failure) from None

    return guarded


def log_as_work_of(correlation_id: str) -> None:
    """Add the operation's correlation id to the log records that this activity writes from now on."""
    structlog.contextvars.bind_contextvars(correlation_id=correlation_id)


def _translated(failure: Exception) -> ApplicationError:
    match failure:
        case StorageUnavailable():
            return ApplicationError("the database cannot be reached", type="StorageUnavailable")
        case ForeignWorkflow():
            return ApplicationError(FOREIGN, type=ForeignWorkflow.__name__, non_retryable=True)
        case OperationNotFound():
            return ApplicationError(
                UNKNOWN, type=failure.wire_class, non_retryable=True, category=ApplicationErrorCategory.BENIGN
            )
        case ProposalError():
            return _final(type(failure))
    _log_without_message(failure)
    if _unexpected_failures() >= UNEXPECTED_ATTEMPTS:
        return _final(OperationInternalError)
    return ApplicationError("an unexpected error, see the worker's log", type="UnexpectedError")


def _final(error: type[ProposalError]) -> ApplicationError:
    category = (
        ApplicationErrorCategory.UNSPECIFIED if error is OperationInternalError else ApplicationErrorCategory.BENIGN
    )
    return ApplicationError(error.detail(), type=error.wire_class, non_retryable=True, category=category)


def _unexpected_failures() -> int:
    """The number of unexpected failures of this activity, this one included.

    The attempt number counts outages, too, so the count travels in the heartbeat details of normal activities. Local
    ones have none and need none: they are tried twice.
    """
    info = activity.info()
    if info.is_local:
        return info.attempt
    count = 1 + (int(info.heartbeat_details[0]) if info.heartbeat_details else 0)
    activity.heartbeat(count)
    return count


def _log_without_message(failure: BaseException) -> None:
    frames: list[Any] = traceback.extract_tb(failure.__traceback__)
    log.error(
        "step_failed_unexpectedly",
        error_class=type(failure).__name__,
        at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-5:]],
    )

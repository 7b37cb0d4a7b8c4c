"""Running the steps of an operation: locally while all is well, as normal activities when something is not."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from workflows import policies

Input = TypeVar("Input")
Result = TypeVar("Result")
Step = Callable[[Input], Awaitable[Result]]


class StepRunner:
    """The steps of one run; each raises what `activities.boundary` made of its failure.

    `may_be_typed`: a result came from a normal activity, which an operator may have completed with any words.
    """

    def __init__(self) -> None:
        self.may_be_typed = False

    async def run(
        self,
        step: Step[Input, Result],
        argument: Input,
        *,
        summary: str,
        options: policies.ActivityOptions,
        is_at_once: bool,
    ) -> Result:
        """The step's result.

        `is_at_once` makes it a normal activity from the first try. Otherwise it runs locally first: a local activity
        that waits for a dependency would hold the workflow's task and hide the cause, so what fails there goes on as
        the same step in a normal activity, where the operator sees it. `options` are the normal activity's.
        """
        if not is_at_once and (result := await run_locally(step, argument, summary=summary)) is not None:
            return result
        self.may_be_typed = True
        return await workflow.execute_activity(step, argument, summary=summary, **options)

    async def run_untyped(self, step: Step[Input, Result], argument: Input, *, summary: str) -> Result:
        """The step's result from a local activity, which only a worker can complete; an outage is waited out."""
        while (result := await run_locally(step, argument, summary=summary)) is None:
            try:
                await workflow.execute_activity(step, argument, summary=summary, **policies.NORMAL)
            except ActivityError as failure:
                if is_cancelled_exception(failure):
                    raise
        return result


async def run_locally(step: Step[Input, Result], argument: Input, *, summary: str) -> Result | None:
    """The step's result from a local activity; None after a failure that another try may not have."""
    try:
        return await workflow.execute_local_activity(step, argument, summary=summary, **policies.LOCAL)
    except (ActivityError, ApplicationError) as failure:
        if is_cancelled_exception(failure) or _is_final(failure):
            raise
    return None


def _is_final(failure: BaseException) -> bool:
    """Whether the boundary has said that another try is useless."""
    cause = application_error(failure)
    return cause is not None and cause.non_retryable


def application_error(failure: BaseException) -> ApplicationError | None:
    """The activity's own error: a local activity raises it bare, a normal one wrapped."""
    if isinstance(failure, ApplicationError):
        return failure
    cause = failure.__cause__
    return cause if isinstance(cause, ApplicationError) else None

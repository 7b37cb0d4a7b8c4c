"""The run of an operation: its work, which commits its end; or the record in its row of why it failed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ApplicationErrorCategory,
    RetryState,
    is_cancelled_exception,
)

from domain.errors import (
    OperationCancelled,
    OperationInternalError,
    OperationTimedOut,
    is_recorded_failure,
    problem_code,
)
from domain.operation import OperationFailure
from domain.public_links import artifact_path, error_path, markdown_link, proposal_path
from workflows import policies, steps
from workflows.delivery_start import start_delivery
from workflows.messages import AnalyzeInput, CreateInput, FinishInput, OperationOutcome, RunCounts
from workflows.step_runner import StepRunner, application_error

RESET_NOTE: Final = "This run is a reset. An operation ends once: how it ended before was not changed."

Start = CreateInput | AnalyzeInput
Work = Callable[[StepRunner], Awaitable[OperationOutcome]]


async def run_operation(start: Start, work: Work) -> OperationOutcome:
    """Run the operation to its end, whichever that is; `work` takes its steps, the last of which commits the end."""
    runner = StepRunner()
    try:
        unless_ended = OperationFailure.of(OperationInternalError)
        outcome = await _as_the_row_says(await work(runner), start, runner, unless_ended)
    except (ActivityError, ApplicationError, asyncio.CancelledError) as failure:
        # Cancelling a workflow cancels what its main task awaits: here that would be the step that records how the
        # operation ended. The shield lets the step go on; a cancel ends only the wait for it.
        outcome = await asyncio.shield(_finish(start, runner, failure))
        await _call_back(outcome, start)
        if is_cancelled_exception(failure) and outcome.error_message == OperationCancelled.detail():
            raise
    else:
        await _call_back(outcome, start)
    return _closed(outcome, public_url=start.public_url)


async def _finish(start: Start, runner: StepRunner, failure: BaseException) -> OperationOutcome:
    reason = _failure_of(failure)
    finished = await runner.run(
        steps.finish,
        _finish_input(start, reason),
        is_at_once=start.is_large,
        options=policies.NORMAL,
        summary=f"Record that the operation failed: {reason.message}",
    )
    return await _as_the_row_says(finished.outcome, start, runner, reason)


async def _as_the_row_says(
    outcome: OperationOutcome, start: Start, runner: StepRunner, unless_ended: OperationFailure
) -> OperationOutcome:
    """The outcome that the row records, for a result that an operator may have typed in Temporal's UI.

    An operation that has not ended, although the typed result says so, ends with `unless_ended`.
    """
    if not runner.may_be_typed:
        return outcome
    finished = await runner.run_untyped(
        steps.finish, _finish_input(start, unless_ended), summary="Ask the row how the operation ended"
    )
    if finished.outcome.runs is None or outcome.runs is None:
        return finished.outcome
    # The row counts failed runs, and does not know their codes.
    runs = finished.outcome.runs.model_copy(update={"failures": outcome.runs.failures})
    return finished.outcome.model_copy(update={"runs": runs})


def _finish_input(start: Start, reason: OperationFailure) -> FinishInput:
    return FinishInput(operation_id=start.operation_id, error_code=reason.code, error_message=reason.message)


async def _call_back(outcome: OperationOutcome, start: Start) -> None:
    """Start the callback, even when the workflow is cancelled now: the operation has ended, and that stays."""
    with suppress(asyncio.CancelledError):
        await asyncio.shield(start_delivery(outcome, public_url=start.public_url))


def _closed(outcome: OperationOutcome, *, public_url: str | None) -> OperationOutcome:
    """The outcome where operators look for it; a failed operation is a failed workflow with the same code."""
    if workflow.info().run_id != workflow.info().original_execution_run_id:
        outcome = outcome.model_copy(update={"note": RESET_NOTE})
    if outcome.status == "FAILED":
        message = outcome.error_message or ""
        shown = markdown_link(message, error_path(problem_code(message)), public_url=public_url)
        computed = "" if outcome.runs is None else f" after {_run_counts(outcome.runs)}"
        workflow.set_current_details(f"**FAILED**: {shown}{computed}{_noted(outcome)}")
        raise ApplicationError(
            message,
            *(() if outcome.note is None else (outcome.note,)),
            type=outcome.error_code,
            non_retryable=True,
            category=ApplicationErrorCategory.BENIGN,
        )
    made = _made(outcome, public_url=public_url) if outcome.runs is None else _run_counts(outcome.runs)
    workflow.set_current_details(f"**SUCCEEDED**: {made}{_noted(outcome)}")
    return outcome


def _made(outcome: OperationOutcome, *, public_url: str | None) -> str:
    simulated, artifact = f"simulation {outcome.simulation_status}", f"`{outcome.artifact_hash}`"
    proposal_id, version_no = outcome.proposal_id, outcome.version_no
    if proposal_id is None or version_no is None:
        return f"{simulated}\n\nartifact {artifact}"
    proposal = markdown_link(f"`{proposal_id}`", proposal_path(proposal_id), public_url=public_url)
    page = markdown_link(artifact, artifact_path(proposal_id, version_no), public_url=public_url)
    return f"proposal {proposal}, version {version_no}, {simulated}\n\nartifact {page}"


def _run_counts(runs: RunCounts) -> str:
    failures = ", ".join(f"{code} {count}" for code, count in runs.failures.items())
    return f"{runs.succeeded} of {runs.total} runs" + (f", failures: {failures}" if failures else "")


def _noted(outcome: OperationOutcome) -> str:
    return "" if outcome.note is None else f"\n\n{outcome.note}"


def _failure_of(failure: BaseException) -> OperationFailure:
    if is_cancelled_exception(failure):
        return OperationFailure.of(OperationCancelled)
    cause = application_error(failure)
    if cause is not None and cause.type is not None and is_recorded_failure(cause.type, cause.message):
        return OperationFailure(code=cause.type, message=cause.message)
    # A step that ran out of time carries its last failure, when it had one, and says so in its retry state.
    if cause is None or (isinstance(failure, ActivityError) and failure.retry_state is RetryState.TIMEOUT):
        return OperationFailure.of(OperationTimedOut)
    return OperationFailure.of(OperationInternalError)

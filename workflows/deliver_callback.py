"""Delivering a callback: an attempt, and after each that failed a durable wait, until it is taken or given up."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from domain.callback_retries import DELAYS, JITTER, busy_seconds
from workflows import policies, steps
from workflows.identity import DELIVER_CALLBACK, DELIVER_NOW
from workflows.messages import DeliverCallbackInput, DeliverInput, DeliverResult
from workflows.step_runner import run_locally

UNDELIVERED = "CallbackNotDelivered"
LONGEST_WAIT = max(DELAYS).total_seconds() * (1 + JITTER)


# Input that does not validate would otherwise retry the workflow task for ever.
@workflow.defn(name=DELIVER_CALLBACK, failure_exception_types=[ValidationError])
class DeliverCallback:
    """The row of the delivery says what is due; a signal only brings the next attempt forward."""

    def __init__(self) -> None:
        self._is_due_now = False
        self._busy_rounds = 0

    @workflow.run
    async def run(self, start: DeliverCallbackInput) -> DeliverResult:
        attempts = start.attempts
        while True:
            self._is_due_now = False
            result = await workflow.execute_activity(
                steps.deliver_callback,
                DeliverInput(operation_id=start.operation_id, attempts=attempts, jitter=workflow.random().random()),
                summary=f"Attempt {attempts + 1}",
                **policies.DELIVER,
            )
            if result.state in ("DELIVERED", "FAILED"):
                result = await self._as_the_row_says(start, result)
            attempts = result.attempts
            workflow.set_current_details(_details(result))
            # A redelivery may have been asked for while the last attempt was under way: the row knows.
            if result.state in ("DELIVERED", "FAILED") and not self._is_due_now:
                return _closed(result)
            if result.state in ("PENDING", "HOST_BUSY"):
                await self._wait(result)
            if workflow.info().is_continue_as_new_suggested() and not self._is_due_now:
                workflow.continue_as_new(DeliverCallbackInput(operation_id=start.operation_id, attempts=attempts))

    @workflow.signal(name=DELIVER_NOW)
    def deliver_now(self) -> None:
        """Make the next attempt due now."""
        self._is_due_now = True

    async def _as_the_row_says(self, start: DeliverCallbackInput, result: DeliverResult) -> DeliverResult:
        """The end as the row has it: an operator can complete a normal activity with any words, a local one never."""
        said = await run_locally(
            steps.deliver_callback,
            DeliverInput(operation_id=start.operation_id, attempts=-1, jitter=0.0),
            summary="Ask the row what the delivery has come to",
        )
        if said is None:
            # The next look waits the outage out, as a normal activity that the operator sees.
            return DeliverResult(state="PENDING", attempts=start.attempts)
        is_as_told = (said.state, said.attempts) == (result.state, result.attempts)
        return result if is_as_told else said

    async def _wait(self, result: DeliverResult) -> None:
        """Until the next attempt is due, a slot of the host may be free, or the signal comes."""
        seconds, summary = result.retry_seconds, f"Attempt {result.attempts + 1} is due"
        if result.state == "HOST_BUSY":
            self._busy_rounds += 1
            seconds = busy_seconds(self._busy_rounds, jitter=workflow.random().random())
            summary = f"{result.host} is busy"
        else:
            self._busy_rounds = 0
        timeout = timedelta(seconds=min(max(0.0, seconds), LONGEST_WAIT))
        with suppress(asyncio.TimeoutError):
            await workflow.wait_condition(lambda: self._is_due_now, timeout=timeout, timeout_summary=summary)


def _closed(result: DeliverResult) -> DeliverResult:
    """The result; a callback that was given up is a failed workflow, which operators filter by."""
    if result.state == "FAILED":
        raise ApplicationError(
            f"the callback was given up after {result.attempts} attempts, the last: {_answer(result)}",
            type=UNDELIVERED,
            non_retryable=True,
            category=ApplicationErrorCategory.BENIGN,
        )
    return result


def _details(result: DeliverResult) -> str:
    if result.state == "HOST_BUSY":
        return f"`{result.host}` has all its places taken; attempt {result.attempts + 1} waits for one"
    shown = f"**{result.state}** after {result.attempts} attempts to `{result.host}`, the last: {_answer(result)}"
    return f"{shown}; the next one in {result.retry_seconds:.0f} s" if result.state == "PENDING" else shown


def _answer(result: DeliverResult) -> str:
    return result.error or (f"HTTP {result.status_code}" if result.status_code is not None else "none made")

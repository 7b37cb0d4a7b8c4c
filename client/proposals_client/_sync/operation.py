# Generated from _async/operation.py by client/generate.py.
"""An operation in the caller's hand: waited for, cancelled, retried."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

import httpx2

from proposals_client._sync.transport import Transport
from proposals_client.calls import Call, get, path_to, unkeyed_post
from proposals_client.documents import json_object
from proposals_client.errors import (
    ApiError,
    ProposalsError,
    RateLimited,
    ServerError,
    ServiceUnreachable,
    UnexpectedAnswer,
)
from proposals_client.lazy_models import models
from proposals_client.operation_state import Created, OperationFailed, OperationState, simulation_made
from proposals_client.reading import read_object
from proposals_client.repeats import jittered_pause, retry_after_seconds

if TYPE_CHECKING:
    from proposals_client.models import CallbackDelivery
    from proposals_client.operation_results import SimulationMade

HELD_SECONDS: Final = 20.0
UNHELD_PAUSE: Final = 1.0
NAMED: Final = ("operation_id", "correlation_id")

Made = TypeVar("Made")


class WaitTimeout(ProposalsError, TimeoutError):
    """The operation has not ended in time. It goes on: `operation.wait()` waits on."""

    def __init__(self, operation: Work[Any], seconds: float) -> None:
        super().__init__(f"{operation.id} has not ended within {seconds:g} s; it goes on")
        self.operation = operation


class Work(ABC, Generic[Made]):
    """Accepted work of any kind; `wait()` returns what it made.

    `key` is the idempotency key that it was submitted under, `is_replay` whether that key stood for it before.
    """

    def __init__(
        self, transport: Transport, *, operation_id: str, correlation_id: str, key: str | None, is_replay: bool
    ) -> None:
        self._transport = transport
        self.id = operation_id
        self.correlation_id = correlation_id
        self.key = key
        self.is_replay = is_replay

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    @classmethod
    def named_by(cls, transport: Transport, answer: httpx2.Response, *, key: str | None, is_replay: bool) -> Self:
        """Of an answer that names one: a 202, or its state, which has the key."""
        named = json_object(answer, *NAMED)
        return cls(
            transport,
            operation_id=str(named["operation_id"]),
            correlation_id=str(named["correlation_id"]),
            key=key or named.get("idempotency_key"),
            is_replay=is_replay,
        )

    def state(self) -> OperationState:
        """Where it stands now. Raises OperationExpired once it was purged."""
        return state_of(self._transport.send(self._poll(held=0.0)))

    def wait(self, timeout: float = 60.0) -> Made:
        """What it made. Outages of the service are waited out.

        Raises OperationFailed, WaitTimeout after `timeout` seconds, OperationExpired.
        """
        for state in self.follow(timeout=timeout):
            if state is not None and state.status == "FAILED":
                raise OperationFailed(state)
            if state is not None and state.has_ended:
                return self._made(state)
        raise WaitTimeout(self, timeout)

    def follow(
        self,
        *,
        timeout: float = 60.0,
        held: float = HELD_SECONDS,
    ) -> Iterator[OperationState | None]:
        """Yield its state repeatedly, the last one ended; None while the service is unavailable. Ends at `timeout`.

        `held`: for how many seconds the service may hold each answer that is not the last.
        """
        deadline = time.monotonic() + timeout
        outages = 0
        while (remaining := deadline - time.monotonic()) > 0:
            asked_at, poll = time.monotonic(), min(held, remaining)
            try:
                answer = self._transport.send(self._poll(held=poll), repeat_seconds=0.0)
            except (ServiceUnreachable, ServerError, RateLimited) as outage:
                if isinstance(outage, ApiError) and outage.problem.get("retryable") is False:
                    raise  # the service says so itself; otherwise a read may well succeed later, after a 500 too
                pause = jittered_pause(outages, floor=getattr(outage, "retry_after", None) or 0.0)
                outages += 1
                yield None
            else:
                outages = 0
                state = state_of(answer)
                yield state
                if state.has_ended:
                    return
                if time.monotonic() - asked_at >= poll:
                    continue
                # The service did not hold the answer, as one that stops does: pause here instead.
                asked_for = retry_after_seconds(answer)
                pause = UNHELD_PAUSE if asked_for is None else asked_for
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))

    def cancel(self) -> OperationState:
        """End it, FAILED with OPERATION_CANCELLED. Raises OperationEnded when its end came first."""
        answer = self._transport.send(unkeyed_post(self._path("cancel"), is_safe_to_repeat=False))
        return state_of(answer)

    def retry(self) -> Self:
        """Submit the request of a FAILED one again: the next attempt under the same key. Raises OperationNotFailed."""
        # Safe to repeat: of several retries the first makes the attempt, the others get it.
        answer = self._transport.send(unkeyed_post(self._path("retry"), is_safe_to_repeat=True))
        return self.named_by(self._transport, answer, key=self.key, is_replay=False)

    def callback(self) -> CallbackDelivery:
        """The delivery of its callback, with each attempt. Raises NoCallback."""
        answer = self._transport.send(get(self._path("callbacks")))
        return read_object(models.CallbackDelivery, json_object(answer))

    def redeliver(self) -> CallbackDelivery:
        """Have its callback delivered once more. Raises OperationNotEnded, RateLimited within a minute of another."""
        answer = self._transport.send(unkeyed_post(self._path("callbacks", "redeliver"), is_safe_to_repeat=False))
        return read_object(models.CallbackDelivery, json_object(answer))

    @abstractmethod
    def _made(self, state: OperationState) -> Made:
        """What the SUCCEEDED operation made."""

    def _poll(self, *, held: float) -> Call:
        return replace(get(self._path(), wait=f"{held:.2f}" if held else None), held=held)

    def _path(self, *parts: str) -> str:
        return path_to("operations", self.id, *parts)


class Operation(Work[Created]):
    """A submitted proposal or version."""

    def _made(self, state: OperationState) -> Created:
        if state.proposal_id is None or state.version_no is None:
            raise UnexpectedAnswer(f"{self.id} made no proposal: a batch is read with batch()")
        return Created(state.proposal_id, state.version_no, state)


class Simulation(Work["SimulationMade"]):
    """A submitted simulation; `wait()` returns result and artifact with their hashes."""

    def _made(self, state: OperationState) -> SimulationMade:
        return simulation_made(state)


def state_of(answer: httpx2.Response) -> OperationState:
    return OperationState(json_object(answer, *NAMED, "status"))

"""From a submission to its answer: the promise of a 202, or what was made, when the client waits for it."""

from typing import Any, Final

from fastapi import Request, Response

from api.headers import REPLAYED_HEADER, Preferences
from api.json_text import json_response
from api.operation_presentation import accepted, operation_path
from api.presence import while_connected
from api.presentation import at_present
from api.problems import problems
from api.schemas.operations import AsyncAccepted
from api.schemas.proposals import CreateResponse
from api.services import Services
from domain.errors import (
    ActorMismatch,
    CallbacksNotConfigured,
    CallbackUrlNotAllowed,
    IdempotencyKeyConflict,
    LifecycleDisabled,
    OperationCancelled,
    OperationInProgress,
    OperationInternalError,
    OperationTerminated,
    OperationTimedOut,
    OperationTooExpensive,
    ProposalError,
    SimulationDisabled,
    StorageUnavailable,
    TooManyOpenOperations,
    recorded_error,
)
from domain.operation import ExpiredOperation, IdempotencyKey, OperationStatus
from services.submission import Accepted, Submission

LOCATION_HEADER: Final[dict[str, Any]] = {
    "Location": {"description": "Where to poll.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds until a first poll is worth it.", "schema": {"type": "integer"}},
}
ACCEPTED: Final[dict[str, Any]] = {
    "model": AsyncAccepted,
    "description": "Accepted: the operation is stored and will end, whatever dies in between.",
    "headers": LOCATION_HEADER | REPLAYED_HEADER,
}
PREFERENCE_APPLIED: Final[dict[str, Any]] = {
    "Preference-Applied": {"description": "`respond-async`, when it was asked for.", "schema": {"type": "string"}}
}


def synchronous_responses(*errors: type[ProposalError]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of an endpoint that waits: what its operation can end with, and what it is refused for."""
    return {
        200: {"model": CreateResponse, "description": "What was made.", "headers": REPLAYED_HEADER},
        202: ACCEPTED
        | {
            "description": "The operation has not ended in time, or `Prefer: respond-async`: it goes on.",
            "headers": ACCEPTED["headers"] | PREFERENCE_APPLIED,
        },
        **problems(
            LifecycleDisabled,
            IdempotencyKeyConflict,
            SimulationDisabled,
            CallbackUrlNotAllowed,
            CallbacksNotConfigured,
            OperationCancelled,
            OperationTerminated,
            OperationTimedOut,
            OperationTooExpensive,
            OperationInternalError,
            OperationInProgress,
            StorageUnavailable,
            ActorMismatch,
            TooManyOpenOperations,
            *errors,
            statuses=(408, 413, 415),
        ),
    }


def proposals_key(key: str, *, client: str) -> IdempotencyKey:
    """A key of creates, synchronous or not."""
    return IdempotencyKey.of_creates(key, client=client)


def scoped_key(scope: str, proposal_id: str, key: str | None, *, client: str) -> IdempotencyKey | None:
    """An optional key of one proposal's endpoint."""
    return None if key is None else IdempotencyKey.of_endpoint(scope, proposal_id, key, client=client)


async def answer_accepted(services: Services, submission: Submission) -> Response:
    return accepted_response(await services.submission.submit(submission))


async def answer_ended(
    request: Request, services: Services, submission: Submission, preferences: Preferences
) -> Response:
    """Raises what the operation recorded, OperationInProgress when it goes on and may not be polled."""
    submitted = await services.submission.submit(submission)
    await request.state.turn.aclose()  # others with this key may wait beside this one
    if isinstance(submitted.operation, ExpiredOperation):
        return json_response(
            at_present(await services.lookup.present(submitted.operation)), headers=_replayed(submitted)
        )
    operation = await while_connected(
        request,
        services.synchronous.ended(submitted.operation, seconds=preferences.seconds),
        waits=preferences.seconds != 0,
    )
    if operation.failure is not None:
        raise recorded_error(operation.failure.code, operation.failure.message)
    if operation.status is OperationStatus.SUCCEEDED:
        created = await services.lookup.present(operation)
        return json_response(at_present(created), headers=_replayed(submitted))
    if not services.gates.async_operations_enabled:
        raise OperationInProgress
    response = accepted_response(Accepted(operation=operation, is_replay=submitted.is_replay))
    if preferences.respond_async:
        response.headers["Preference-Applied"] = "respond-async"
    return response


def accepted_response(submitted: Accepted) -> Response:
    """202 with where to poll."""
    operation = submitted.operation
    headers = {"Location": operation_path(operation.operation_id), "Retry-After": "1", **_replayed(submitted)}
    return json_response(accepted(operation), status_code=202, headers=headers)


def _replayed(submitted: Accepted) -> dict[str, str]:
    return {"Idempotent-Replayed": "true"} if submitted.is_replay else {}

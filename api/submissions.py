"""From a submission to its answer: the promise of a 202, or what was made, when the client waits for it."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from fastapi import Response
from pydantic import Field

from api.gates import Gate
from api.http.headers import (
    LOCATION_HEADERS,
    REPLAYED_HEADER,
    RESPOND_ASYNC,
    Preferences,
    described_header,
    replayed,
    where_to_poll,
)
from api.http.router import Context, Endpoint, GuardedRouter
from api.records import CreateResponse
from api.wire import (
    OPERATION_ID_EXAMPLE,
    TIMESTAMP_EXAMPLE,
    OperationId,
    Timestamp,
    Wire,
    json_response,
)
from domain.access import Scope
from domain.errors import (
    ActorMismatch,
    AsyncOperationsDisabled,
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
    TooManyOpenOperations,
    recorded_error,
)
from domain.operation import ExpiredOperation, IdempotencyKey, OperationStatus, OperationType
from domain.public_links import operation_path
from services.prepared_request import PreparedRequest
from services.submission import Accepted, Submission

_ASYNCHRONOUS_ERRORS: Final = (
    AsyncOperationsDisabled,
    LifecycleDisabled,
    IdempotencyKeyConflict,
    CallbackUrlNotAllowed,
    CallbacksNotConfigured,
    ActorMismatch,
    TooManyOpenOperations,
)
_SYNCHRONOUS_ERRORS: Final = (
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
    ActorMismatch,
    TooManyOpenOperations,
)


class AsyncAccepted(Wire):
    """The promise of a 202: this operation is stored and will end."""

    operation_id: OperationId = Field(
        description="The operation; also the id of its Temporal workflow.", examples=[OPERATION_ID_EXAMPLE]
    )
    operation_type: OperationType = Field(description="The kind of operation.", examples=["CREATE_PROPOSAL"])
    status: OperationStatus = Field(
        description="PENDING for a new operation, its present status when the request is a replay.",
        examples=["PENDING"],
    )
    correlation_id: str = Field(
        description="The correlation id of the request that made the operation.", examples=["crm/case/4711"]
    )
    created_at: Timestamp = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    status_url: str = Field(
        description="Path of the operation to poll, relative to this server.",
        examples=[operation_path(OPERATION_ID_EXAMPLE)],
    )


RETRY_AFTER_HEADER: Final = {"Retry-After": described_header("Seconds to wait before the first poll.", kind="integer")}
ACCEPTED: Final[dict[str, Any]] = {
    "model": AsyncAccepted,
    "description": "Accepted: the operation is stored and will end even if processes crash.",
    "headers": LOCATION_HEADERS | RETRY_AFTER_HEADER | REPLAYED_HEADER,
}
_SYNCHRONOUS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": CreateResponse,
        "description": "The proposal or version that the request made.",
        "headers": REPLAYED_HEADER,
    },
    202: ACCEPTED
    | {
        "description": "The operation continues: the wait is over, or the request said `Prefer: respond-async`.",
        "headers": {
            **ACCEPTED["headers"],
            "Preference-Applied": described_header("`respond-async`, when it was asked for."),
        },
    },
}


def waited_for(
    router: GuardedRouter, *, raises: Sequence[type[ProposalError]] = (), **described: Any
) -> Callable[[Endpoint], Endpoint]:
    """Register the endpoint of the router's creates that are waited for."""
    return router.post(
        "",
        scopes={Scope.PROPOSALS_WRITE},
        raises=(*_SYNCHRONOUS_ERRORS, *raises),
        response_model=CreateResponse,
        responses=_SYNCHRONOUS,
        **described,
    )


def promised(router: GuardedRouter, path: str = "", **described: Any) -> Callable[[Endpoint], Endpoint]:
    """Register the endpoint of the router, or of a path in it, whose operations are answered by a 202."""
    return router.post(
        f"{path}/async",
        gate=Gate.ASYNC,
        scopes={Scope.PROPOSALS_WRITE},
        raises=_ASYNCHRONOUS_ERRORS,
        status_code=202,
        response_model=AsyncAccepted,
        responses={202: ACCEPTED},
        **described,
    )


def submission_of(
    prepared: PreparedRequest,
    context: Context,
    *,
    key: IdempotencyKey | None,
    proposal_id: str | None = None,
    is_synchronous: bool = False,
) -> Submission:
    """The submission of a request: contents, client, key, headers. Raises ActorMismatch."""
    context.caller.require_actor(prepared.author)
    return Submission(
        prepared=prepared,
        client=context.client,
        key=key,
        correlation_id=context.correlation_id,
        proposal_id=proposal_id,
        is_synchronous=is_synchronous,
    )


async def answer_accepted(context: Context, submission: Submission) -> Response:
    return accepted_response(await context.services.submission.submit(submission))


async def answer_ended(context: Context, submission: Submission, preferences: Preferences) -> Response:
    """Raises what the operation recorded, OperationInProgress when it goes on and may not be polled."""
    services = context.services
    submitted = await services.submission.submit(submission)
    await context.let_next_of_key_in()
    operation = submitted.operation
    if not isinstance(operation, ExpiredOperation):
        ended = services.synchronous.ended(operation, seconds=preferences.seconds)
        operation = await context.while_connected(ended, waits=preferences.seconds != 0)
        if operation.failure is not None:
            raise recorded_error(operation.failure.code, operation.failure.message)
    if operation.status is OperationStatus.SUCCEEDED:
        created = CreateResponse.at_present(await services.lookup.present(operation, room=context.room))
        return json_response(created, headers=replayed(is_replay=submitted.is_replay))
    if not services.gates.is_open(Gate.ASYNC):
        raise OperationInProgress
    response = accepted_response(Accepted(operation=operation, is_replay=submitted.is_replay))
    if preferences.respond_async:
        response.headers["Preference-Applied"] = RESPOND_ASYNC
    return response


def accepted_response(submitted: Accepted) -> Response:
    """202 with where to poll."""
    status_url = operation_path(submitted.operation.operation_id)
    return json_response(
        AsyncAccepted.from_value(submitted.operation, status_url=status_url),
        status_code=202,
        headers={**where_to_poll(status_url), "Retry-After": "1", **replayed(is_replay=submitted.is_replay)},
    )

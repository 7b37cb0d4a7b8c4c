"""Callbacks: what receivers get, the state of a delivery, and redelivery."""

from typing import Annotated, Any, Final, Literal, Self

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field
from starlette.routing import BaseRoute
from typing_extensions import TypeAliasType

from api.gates import Gate
from api.http.headers import LOCATION_HEADERS, where_to_poll
from api.http.parameters import OperationIdInPath
from api.http.problem_schemas import Code
from api.http.router import Context, GuardedRouter
from api.wire import (
    OPERATION_ID_EXAMPLE,
    PROPOSAL_ID_EXAMPLE,
    TIMESTAMP_EXAMPLE,
    OperationId,
    TerminalStatus,
    Timestamp,
    TimestampText,
    Wire,
    json_response,
)
from domain.access import Scope
from domain.callback import webhook_id
from domain.callback_retries import AttemptError, DeliveryStatus
from domain.errors import (
    CallbackNotFound,
    OperationExpired,
    OperationHasNoCallback,
    OperationNotFound,
    OperationNotTerminal,
    RedeliveryTooSoon,
)
from domain.operation import OperationType
from domain.public_links import OPERATIONS_PATH, callbacks_path, operation_path
from services.redelivery import DeliveryLog
from storage.deliveries import DeliveryAttempt

CallbackType = TypeAliasType("CallbackType", Literal["proposal.operation.succeeded", "proposal.operation.failed"])
CallbackStatus = TypeAliasType("CallbackStatus", Literal["NOT_DUE", "PENDING", "DELIVERED", "FAILED"])
WEBHOOK_ID_EXAMPLE: Final = f"msg_{OPERATION_ID_EXAMPLE.removeprefix('pop_')}"


class OperationErrorBody(Wire):
    """Why an operation FAILED."""

    code: str = Field(description="Class of the failure.", examples=["ProposalValidationError"])
    message: str = Field(
        description="The contract's error text.",
        examples=["PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true"],
    )
    problem: Code = Field(
        description="The code that `message` begins with, as a problem has it in `code`.",
        examples=["PROPOSAL_SIMULATION_DISABLED"],
    )


class RunCounts(BaseModel):
    """How many runs of a batch were computed, and how many could not be, when it ended."""

    total: int = Field(description="All runs of the batch: items times scenarios.", examples=[1500])
    succeeded: int = Field(description="Runs that have a result; BLOCKED is a result, too.", examples=[1497])
    failed: int = Field(description="That could not be computed.", examples=[3])


class CallbackData(BaseModel):
    """The ended operation, without what it made."""

    operation_id: OperationId = Field(
        description="The operation that has ended, `pop_...`.", examples=[OPERATION_ID_EXAMPLE]
    )
    operation_type: OperationType = Field(description="The kind of operation.", examples=["CREATE_PROPOSAL"])
    status: TerminalStatus = Field(description="How the operation ended. It stays so.", examples=["SUCCEEDED"])
    correlation_id: str = Field(
        description="The correlation id of the request that made the operation.", examples=["crm/case/4711"]
    )
    proposal_id: str | None = Field(
        description="The proposal that was made or got a version; null for a failed create, a simulation and a batch.",
        examples=[PROPOSAL_ID_EXAMPLE],
    )
    version_no: int | None = Field(description="The version that was made.", examples=[1])
    error: OperationErrorBody | None = Field(description="The reason for FAILED; null otherwise.", examples=[None])
    progress: RunCounts | None = Field(None, description="The runs of a batch; absent for others.")
    status_url: str = Field(
        description="The operation with its result: absolute where the service knows its public address, else a path.",
        examples=[operation_path(OPERATION_ID_EXAMPLE)],
    )


class CallbackMessage(BaseModel):
    """The message to a receiver; the same bytes at every attempt."""

    type: CallbackType = Field(description="The kind of event.", examples=["proposal.operation.succeeded"])
    timestamp: TimestampText = Field(description="When the operation ended, UTC.", examples=[TIMESTAMP_EXAMPLE])
    data: CallbackData = Field(description="What became of the operation; its result is at `status_url`.")


class CallbackAttempt(Wire):
    """One attempt: it has a status code, or an error."""

    attempt_no: int = Field(description="1, 2, 3 without a gap, redeliveries included.", examples=[1])
    at: Timestamp = Field(description="When it began, UTC.", examples=[TIMESTAMP_EXAMPLE])
    duration_ms: int = Field(
        description="Milliseconds until the receiver responded or the attempt failed.", examples=[87]
    )
    status_code: int | None = Field(description="The status code of the receiver; only 2xx is success.", examples=[204])
    error: AttemptError | None = Field(description="Why the receiver sent no response.", examples=[None])

    @classmethod
    def of(cls, attempt: DeliveryAttempt) -> Self:
        return cls.from_value(attempt, at=attempt.attempted_at, error=attempt.error_class)


class CallbackDelivery(Wire):
    """The state of an operation's callback."""

    operation_id: OperationId = Field(
        description="The operation whose callback this is.", examples=[OPERATION_ID_EXAMPLE]
    )
    webhook_id: str = Field(
        description="The header `webhook-id`, the same at every attempt.", examples=[WEBHOOK_ID_EXAMPLE]
    )
    host: str | None = Field(
        description="The host of the receiver; the url is never shown.", examples=["orchestrator.example"]
    )
    status: CallbackStatus = Field(
        description="NOT_DUE until the operation has ended, PENDING until an attempt succeeds or all have failed.",
        examples=["DELIVERED"],
    )
    created_at: Timestamp | None = Field(description="When the operation ended, UTC.", examples=[TIMESTAMP_EXAMPLE])
    finished_at: Timestamp | None = Field(
        description="When it was DELIVERED or FAILED, UTC.", examples=[TIMESTAMP_EXAMPLE]
    )
    next_attempt_at: Timestamp | None = Field(
        description="While PENDING: when the next attempt is due.", examples=[None]
    )
    redelivered_by: str | None = Field(
        description="Who asked for the latest redelivery: the subject of the token, `local` without authentication.",
        examples=[None],
    )
    attempts: list[CallbackAttempt] = Field(description="The list, oldest first.")

    @classmethod
    def of(cls, operation_id: str, log: DeliveryLog) -> Self:
        delivery = log.delivery
        is_pending = delivery is not None and delivery.status is DeliveryStatus.PENDING
        return cls(
            operation_id=operation_id,
            webhook_id=webhook_id(operation_id),
            host=log.host,
            status="NOT_DUE" if delivery is None else delivery.status.value,
            created_at=delivery and delivery.created_at,
            finished_at=delivery and delivery.finished_at,
            next_attempt_at=delivery.due_at if delivery is not None and is_pending else None,
            redelivered_by=delivery and delivery.redelivered_by,
            attempts=[CallbackAttempt.of(attempt) for attempt in log.attempts],
        )


RECEIVED: Final[dict[int | str, dict[str, Any]]] = {
    204: {"description": "Received; any other 2xx status means the same."},
    410: {"description": "Refused permanently: no further attempt is made."},
    "default": {"description": "Not received: tried again, after `Retry-After` at the earliest."},
}


def callback_routes(endpoint: str) -> list[BaseRoute]:
    """The `callbacks=` of an endpoint: what a receiver has to serve, for the OpenAPI document; nothing calls it.

    Ids of operations are unique in a document, so each endpoint has its own routes.
    """
    router = APIRouter()
    router.post(
        "{$request.body#/callback/url}",
        operation_id=f"{endpoint}_ended",
        summary="The operation has ended",
        status_code=204,
        response_class=Response,
        responses=RECEIVED,
    )(operation_ended)
    return router.routes


async def operation_ended(
    body: CallbackMessage,
    webhook_id: Annotated[
        str, Header(description="The same at every attempt: process it once.", examples=[WEBHOOK_ID_EXAMPLE])
    ],
    webhook_timestamp: Annotated[
        str,
        Header(
            description="When this attempt was made, in Unix seconds: refuse old messages.", examples=["1771761600"]
        ),
    ],
    webhook_signature: Annotated[
        str,
        Header(
            description="`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; several, separated by spaces, while "
            "secrets rotate.",
            examples=["v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="],
        ),
    ],
) -> None:
    """Sent at least once when the operation has succeeded or failed, signed as Standard Webhooks 1.0 specifies."""


webhooks = APIRouter(tags=["Callbacks"])
webhooks.post(
    "operation_ended",
    operation_id="operation_ended",
    summary="The operation has ended",
    status_code=204,
    response_class=Response,
    responses=RECEIVED,
)(operation_ended)

router = GuardedRouter(f"{OPERATIONS_PATH}/{{operation_id}}/callbacks", gate=Gate.ASYNC, tag="Operations")


@router.get(
    "",
    scopes={Scope.CALLBACKS_MANAGE},
    raises=(OperationNotFound, OperationExpired, CallbackNotFound),
    summary="Read the state of an operation's callback",
    response_model=CallbackDelivery,
)
async def read_callbacks(operation_id: OperationIdInPath, context: Context) -> Response:
    """The delivery with all its attempts, oldest first."""
    log = await context.services.redelivery.log(operation_id, client=context.client)
    return json_response(CallbackDelivery.of(operation_id, log))


@router.post(
    "/redeliver",
    scopes={Scope.CALLBACKS_MANAGE},
    raises=(OperationNotFound, OperationExpired, OperationNotTerminal, OperationHasNoCallback, RedeliveryTooSoon),
    status_code=202,
    summary="Deliver the callback of an operation again",
    response_model=CallbackDelivery,
    responses={
        202: {
            "description": "The callback is sent again under the same `webhook_id`; a waiting attempt is made now.",
            "headers": LOCATION_HEADERS,
        }
    },
)
async def redeliver_callback(operation_id: OperationIdInPath, context: Context) -> Response:
    """At most once a minute; the receiver gets the same message with a fresh timestamp, signed with today's secrets."""
    log = await context.services.redelivery.redeliver(operation_id, client=context.client, by=context.caller.actor)
    headers = where_to_poll(callbacks_path(operation_id))
    return json_response(CallbackDelivery.of(operation_id, log), status_code=202, headers=headers)

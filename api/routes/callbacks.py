"""The callback of an operation: how its delivery fares, and once more."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.access import GuardedRoute
from api.callback_presentation import delivery_log
from api.dependencies import CallerOfRequest, ProcessServices
from api.headers import CorrelationIdHeader
from api.json_text import json_response
from api.problems import problems
from api.schemas.callbacks import CallbackDelivery
from api.schemas.formats import OPERATION_ID_EXAMPLE
from domain.errors import (
    AsyncOperationsDisabled,
    CallbackNotFound,
    LifecycleDisabled,
    OperationExpired,
    OperationHasNoCallback,
    OperationNotFound,
    OperationNotTerminal,
    RedeliveryTooSoon,
    StorageUnavailable,
)

router = APIRouter(
    prefix="/rebalance/proposals/operations/{operation_id}/callbacks", tags=["Operations"], route_class=GuardedRoute
)

OperationIdInPath = Annotated[str, Path(description="The operation.", examples=[OPERATION_ID_EXAMPLE])]


@router.get(
    "",
    summary="See how the callback of an operation fares",
    response_model=CallbackDelivery,
    responses=problems(
        OperationNotFound,
        OperationExpired,
        CallbackNotFound,
        LifecycleDisabled,
        AsyncOperationsDisabled,
        StorageUnavailable,
        statuses=(422, 500),
    ),
)
async def read_callbacks(
    operation_id: OperationIdInPath, services: ProcessServices, caller: CallerOfRequest, _: CorrelationIdHeader = None
) -> Response:
    """The delivery with all its attempts, oldest first."""
    services.gates.require_async_operations()
    return json_response(delivery_log(await services.redelivery.log(operation_id, client=caller.client)))


@router.post(
    "/redeliver",
    status_code=202,
    summary="Deliver the callback of an operation once more",
    response_model=CallbackDelivery,
    responses={
        202: {"description": "It is owed once more, under the same `webhook_id`; a waiting attempt is made now."},
        **problems(
            OperationNotFound,
            OperationExpired,
            OperationNotTerminal,
            OperationHasNoCallback,
            RedeliveryTooSoon,
            LifecycleDisabled,
            AsyncOperationsDisabled,
            StorageUnavailable,
            statuses=(422, 500),
        ),
    },
)
async def redeliver_callback(
    operation_id: OperationIdInPath, services: ProcessServices, caller: CallerOfRequest, _: CorrelationIdHeader = None
) -> Response:
    """At most once a minute; the receiver gets the same message with a fresh timestamp, signed with today's secrets."""
    services.gates.require_async_operations()
    log = await services.redelivery.redeliver(operation_id, client=caller.client)
    return json_response(delivery_log(log), status_code=202)

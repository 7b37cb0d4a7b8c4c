"""Ending an operation early, and trying a failed one again."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.access import GuardedRoute
from api.dependencies import CallerOfRequest, ProcessServices
from api.headers import CorrelationIdHeader
from api.json_text import json_response
from api.operation_presentation import with_result
from api.problems import problems
from api.schemas.formats import OPERATION_ID_EXAMPLE
from api.schemas.operations import AsyncAccepted, AsyncStatus
from api.submissions import ACCEPTED, accepted_response
from domain.errors import (
    AsyncOperationsDisabled,
    IdempotencyKeyConflict,
    LifecycleDisabled,
    OperationAlreadyTerminal,
    OperationExpired,
    OperationNotFailed,
    OperationNotFound,
    StorageUnavailable,
    TooManyOpenOperations,
)

COMMON = (OperationNotFound, OperationExpired, LifecycleDisabled, AsyncOperationsDisabled, StorageUnavailable)

router = APIRouter(
    prefix="/rebalance/proposals/operations/{operation_id}", tags=["Operations"], route_class=GuardedRoute
)

OperationIdInPath = Annotated[str, Path(description="The operation.", examples=[OPERATION_ID_EXAMPLE])]


@router.post(
    "/cancel",
    status_code=202,
    summary="Cancel an operation",
    response_model=AsyncStatus,
    responses={
        202: {"description": "The operation has ended, FAILED with OPERATION_CANCELLED; its workflow is told."},
        **problems(OperationAlreadyTerminal, *COMMON, statuses=(422, 500)),
    },
)
async def cancel_operation(
    operation_id: OperationIdInPath, services: ProcessServices, caller: CallerOfRequest, _: CorrelationIdHeader = None
) -> Response:
    """End an open operation at once, whether Temporal and a worker can be reached or not.

    A cancel that comes while the result is committed either wins or finds the operation ended: 409.
    """
    services.gates.require_async_operations()
    cancelled = await services.cancellation.cancel(operation_id, client=caller.client)
    return json_response(with_result(services.presenter.status(cancelled), None), status_code=202)


@router.post(
    "/retry",
    status_code=202,
    summary="Retry a failed operation",
    response_model=AsyncAccepted,
    responses={
        202: ACCEPTED | {"description": "The next attempt, or the newest one when there was one already."},
        **problems(OperationNotFailed, TooManyOpenOperations, IdempotencyKeyConflict, *COMMON, statuses=(422, 500)),
    },
)
async def retry_operation(
    operation_id: OperationIdInPath, services: ProcessServices, caller: CallerOfRequest, _: CorrelationIdHeader = None
) -> Response:
    """Submit the stored request again as the next attempt of its key, with the same callback and correlation id."""
    services.gates.require_async_operations()
    return accepted_response(await services.retrying.retry(operation_id, client=caller.client))

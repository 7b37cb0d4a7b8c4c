"""Operations: found by id or by correlation id, polled or waited for."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.access import GuardedRoute
from api.dependencies import CallerOfRequest, ProcessServices
from api.entity_tags import is_current
from api.headers import MAX_WAIT_SECONDS, CorrelationIdHeader, IfNoneMatchHeader, PreferHeader, preferred_wait
from api.json_text import json_response
from api.operation_presentation import entity_tag, with_result
from api.presence import while_connected
from api.problems import problems
from api.schemas.formats import OPERATION_ID_EXAMPLE
from api.schemas.operations import AsyncStatus
from api.services import Services
from domain.errors import (
    AsyncOperationsDisabled,
    LifecycleDisabled,
    OperationExpired,
    OperationNotFound,
    StorageUnavailable,
)
from domain.operation import Operation

router = APIRouter(prefix="/rebalance/proposals/operations", tags=["Operations"], route_class=GuardedRoute)

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The operation as it is now.",
        "headers": {
            "ETag": {"description": "Strong entity tag of this answer.", "schema": {"type": "string"}},
            "Retry-After": {"description": "While the operation has not ended.", "schema": {"type": "integer"}},
            "Preference-Applied": {"description": "The wait that was granted.", "schema": {"type": "string"}},
        },
    },
    304: {"description": "The caller's copy is current."},
    **problems(
        OperationNotFound,
        OperationExpired,
        LifecycleDisabled,
        AsyncOperationsDisabled,
        StorageUnavailable,
        statuses=(422, 500),
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """How a client wants an operation to be read."""

    wait: float | None
    include_result: bool
    prefer: str | None
    if_none_match: str | None

    @property
    def preferred_wait(self) -> float | None:
        return preferred_wait(self.prefer) if self.wait is None else None

    @property
    def wait_seconds(self) -> float:
        asked = self.wait if self.wait is not None else self.preferred_wait
        return min(asked or 0.0, MAX_WAIT_SECONDS)


def _read_options(
    wait: Annotated[
        float | None,
        Query(
            description="Seconds to hold the answer until the operation has ended, at most 60; as `Prefer: wait`.",
            ge=0,
            allow_inf_nan=False,
            examples=[20],
        ),
    ] = None,
    include_result: Annotated[
        bool, Query(description="`false` leaves `result` out, so that no document is read or sent.")
    ] = True,
    prefer: PreferHeader = None,
    if_none_match: IfNoneMatchHeader = None,
    _: CorrelationIdHeader = None,
) -> ReadOptions:
    return ReadOptions(wait=wait, include_result=include_result, prefer=prefer, if_none_match=if_none_match)


ReadOptionsOfRequest = Annotated[ReadOptions, Depends(_read_options)]


@router.get(
    "/by-correlation/{correlation_id:path}",
    summary="Find the newest operation by correlation id",
    response_model=AsyncStatus,
    responses=ANSWERS,
)
async def read_newest_operation(
    request: Request,
    correlation_id: Annotated[
        str,
        Path(description="As given; percent-encode slashes and other characters.", examples=["crm/case/4711"]),
    ],
    services: ProcessServices,
    caller: CallerOfRequest,
    options: ReadOptionsOfRequest,
) -> Response:
    """The newest operation with this correlation id."""
    services.gates.require_async_operations()

    async def read() -> Operation:
        return await services.lookup.newest_operation(correlation_id, client=caller.client)

    waiting = services.waiting.until_terminal(read, seconds=options.wait_seconds)
    return await _answer(services, await while_connected(request, waiting, waits=options.wait_seconds > 0), options)


@router.get("/{operation_id}", summary="Read an operation", response_model=AsyncStatus, responses=ANSWERS)
async def read_operation(
    request: Request,
    operation_id: Annotated[str, Path(description="The operation.", examples=[OPERATION_ID_EXAMPLE])],
    services: ProcessServices,
    caller: CallerOfRequest,
    options: ReadOptionsOfRequest,
) -> Response:
    """The operation's status and, once it has SUCCEEDED, what it made."""
    services.gates.require_async_operations()

    async def read() -> Operation:
        return await services.lookup.operation(operation_id, client=caller.client)

    waiting = services.waiting.until_terminal(read, seconds=options.wait_seconds, operation_id=operation_id)
    return await _answer(services, await while_connected(request, waiting, waits=options.wait_seconds > 0), options)


async def _answer(services: Services, operation: Operation, options: ReadOptions) -> Response:
    status = services.presenter.status(operation)
    tag = entity_tag(status, has_result=options.include_result)
    headers = {"ETag": tag}
    if not operation.status.is_terminal:
        headers["Retry-After"] = "1"
    if options.preferred_wait is not None:
        headers["Preference-Applied"] = f"wait={options.wait_seconds:.0f}"
    if is_current(tag, options.if_none_match):
        return Response(status_code=304, headers=headers)
    if options.include_result:
        status = with_result(status, await services.lookup.result(operation))
    return json_response(status, headers=headers)

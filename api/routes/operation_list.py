"""The list of operations, for those who look after many of them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api.access import GuardedRoute
from api.dependencies import CallerOfRequest, ProcessServices
from api.headers import CorrelationIdHeader
from api.json_text import json_response
from api.parameters import PagingOfRequest, QueryText
from api.problems import problems
from api.schemas.formats import PROPOSAL_ID_EXAMPLE
from api.schemas.operations import OperationListResponse
from domain.errors import AsyncOperationsDisabled, CursorInvalid, LifecycleDisabled, StorageUnavailable
from domain.operation import OperationStatus, OperationType
from storage.operation_list import OperationFilter

router = APIRouter(prefix="/rebalance/proposals/operations", tags=["Operations"], route_class=GuardedRoute)


def _narrowed(
    paging: PagingOfRequest,
    status: Annotated[OperationStatus | None, Query(description="With this status.", examples=["FAILED"])] = None,
    operation_type: Annotated[
        OperationType | None, Query(description="Of this type.", examples=["CREATE_PROPOSAL"])
    ] = None,
    correlation_id: Annotated[
        QueryText, Query(description="With this correlation id.", examples=["crm/case/4711"])
    ] = None,
    proposal_id: Annotated[
        QueryText, Query(description="That made, or were for, this proposal.", examples=[PROPOSAL_ID_EXAMPLE])
    ] = None,
    created_by: Annotated[QueryText, Query(description="Submitted by this person.", examples=["advisor_1"])] = None,
) -> OperationFilter:
    return OperationFilter(
        status=status,
        operation_type=operation_type,
        correlation_id=correlation_id,
        proposal_id=proposal_id,
        created_by=created_by,
        created_from=paging.created_from,
        created_to=paging.created_to,
    )


@router.get(
    "",
    summary="List operations",
    response_model=OperationListResponse,
    responses=problems(
        CursorInvalid, LifecycleDisabled, AsyncOperationsDisabled, StorageUnavailable, statuses=(422, 500)
    ),
)
async def list_operations(
    narrowed: Annotated[OperationFilter, Depends(_narrowed)],
    paging: PagingOfRequest,
    services: ProcessServices,
    caller: CallerOfRequest,
    _: CorrelationIdHeader = None,
) -> Response:
    """Newest first, narrowed by any of the filters; results are left out. A page costs the same in a long list."""
    services.gates.require_async_operations()
    page = await services.lookup.page(narrowed, client=caller.client, cursor=paging.cursor, limit=paging.limit)
    return json_response(services.presenter.page(page))

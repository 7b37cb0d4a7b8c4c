"""Operations: found by id or by correlation id, listed, polled or waited for, cancelled and retried."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Path, Query, Response
from pydantic import Field

from api.gates import Gate
from api.http.answers import not_modified, response_of
from api.http.headers import (
    HTML,
    JSON,
    LOCATION_HEADERS,
    MAX_WAIT_SECONDS,
    VARY,
    IfNoneMatchHeader,
    PreferHeader,
    described_header,
    preferences,
    where_to_poll,
)
from api.http.parameters import (
    PLAIN_NUMBER,
    CorrelationIdText,
    OperationIdInPath,
    PagingOfRequest,
    QueryText,
    made_of_parameters,
)
from api.http.router import Context, GuardedRouter
from api.operation_status import AsyncStatus
from api.pages.batch_page import is_page_asked_for, page_of_batch
from api.submissions import ACCEPTED, AsyncAccepted, accepted_response
from api.wire import (
    OPERATION_ID_EXAMPLE,
    PROPOSAL_ID_EXAMPLE,
    Wire,
    json_bytes,
    json_response,
)
from domain.access import Scope
from domain.errors import (
    CursorInvalid,
    IdempotencyKeyConflict,
    OperationAlreadyTerminal,
    OperationExpired,
    OperationNotFailed,
    OperationNotFound,
    TooManyOpenOperations,
)
from domain.operation import Operation, OperationStatus, OperationType
from domain.public_links import OPERATIONS_PATH, operation_path
from services.waiting import ReadOperation
from storage.operation_list import OperationFilter


class OperationListResponse(Wire):
    """A page of operations, without their results."""

    items: list[AsyncStatus] = Field(description="The list, newest first.")
    next_cursor: str | None = Field(
        description="`cursor` of the next page: the last operation of this one; null on the last page.",
        examples=[OPERATION_ID_EXAMPLE],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """The client's choices for reading an operation: how long to wait, and whether with its result."""

    wait: Annotated[
        float | None,
        Query(
            description="Seconds to hold the answer until the operation has ended, at most 60; as `Prefer: wait`. An "
            "operation that has not ended by then is returned as it is, with 200.",
            ge=0,
            allow_inf_nan=False,
            examples=[20],
        ),
        PLAIN_NUMBER,
    ] = None
    include_result: Annotated[
        bool, Query(description="`false` leaves `result` out, so that no document is read or sent.")
    ] = True
    prefer: PreferHeader = None
    if_none_match: IfNoneMatchHeader = None

    @property
    def preferred_wait(self) -> float | None:
        return preferences(self.prefer).wait_seconds if self.wait is None else None

    @property
    def wait_seconds(self) -> float:
        asked = self.wait if self.wait is not None else self.preferred_wait
        return min(asked or 0.0, MAX_WAIT_SECONDS)


ReadOptionsOfRequest = Annotated[ReadOptions, Depends(made_of_parameters(ReadOptions))]


NOT_THERE: Final = (OperationNotFound, OperationExpired)
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The operation as it is now.",
        "headers": {
            "ETag": described_header("Entity tag of this answer: strong, or weak when it is compressed."),
            "Retry-After": described_header(
                "Seconds to wait before the next poll, while the operation has not ended.", kind="integer"
            ),
            "Preference-Applied": described_header("The wait that was granted."),
        },
    },
    304: {"description": "The caller's copy is current; the response has no body."},
}

ANSWERS_OR_PAGE: Final[dict[int | str, dict[str, Any]]] = ANSWERS | {
    200: {
        "description": "The operation as it is now, or a page that shows a batch.",
        "content": {HTML: {"schema": {"type": "string"}}},
        "headers": ANSWERS[200]["headers"] | {"Vary": described_header("`Accept`: the representation depends on it.")},
    },
}
AcceptHeader = Annotated[
    str | None,
    Header(
        alias="Accept",
        description="`text/html` for the page of a batch; JSON for everything else, and of other operations.",
        examples=[HTML],
    ),
]

router = GuardedRouter(OPERATIONS_PATH, gate=Gate.ASYNC, tag="Operations")


@router.get(
    "/by-correlation/{correlation_id:path}",
    scopes={Scope.OPERATIONS_READ},
    raises=NOT_THERE,
    summary="Find the newest operation by correlation id",
    response_model=AsyncStatus,
    responses=ANSWERS,
)
async def read_newest_operation(
    correlation_id: Annotated[
        str,
        Path(
            description="The correlation id; percent-encode slashes and other reserved characters.",
            examples=["crm/case/4711"],
        ),
    ],
    options: ReadOptionsOfRequest,
    context: Context,
) -> Response:
    """The newest operation that was answered under this correlation id: its own, or that of a replay or retry."""
    read = partial(context.services.lookup.newest_operation, correlation_id, client=context.client)
    return await _as_json(await _waited_for(read, context, options), context, options, headers={})


@router.get(
    "/{operation_id}",
    scopes={Scope.OPERATIONS_READ},
    raises=NOT_THERE,
    summary="Read an operation",
    response_model=AsyncStatus,
    responses=ANSWERS_OR_PAGE,
)
async def read_operation(
    operation_id: OperationIdInPath, options: ReadOptionsOfRequest, context: Context, accept: AcceptHeader = None
) -> Response:
    """The operation's status and, once it has SUCCEEDED, what it made; of a batch also as a page for people."""
    read = partial(context.services.lookup.operation, operation_id, client=context.client)
    operation = await _waited_for(read, context, options, operation_id=operation_id)
    if operation.is_batch and is_page_asked_for(accept):
        return await page_of_batch(operation, context, if_none_match=options.if_none_match)
    return await _as_json(operation, context, options, headers=VARY)


async def _waited_for(
    read: ReadOperation, context: Context, options: ReadOptions, *, operation_id: str | None = None
) -> Operation:
    seconds = options.wait_seconds
    waiting = context.services.waiting.until_terminal(read, seconds=seconds, operation_id=operation_id)
    return await context.while_connected(waiting, waits=seconds > 0)


async def _as_json(
    operation: Operation, context: Context, options: ReadOptions, *, headers: Mapping[str, str]
) -> Response:
    status = AsyncStatus.of(operation, context.services.terms)
    without_result = json_bytes(status)
    headers = {**headers, "ETag": _entity_tag(without_result, has_result=options.include_result)}
    if not operation.is_terminal:
        headers["Retry-After"] = "1"
    if options.preferred_wait is not None:
        headers["Preference-Applied"] = f"wait={options.wait_seconds:.0f}"
    if answer := not_modified(headers, options.if_none_match):
        return answer
    if not options.include_result:
        return response_of([without_result], JSON, headers=headers)
    made = await context.services.lookup.result(operation, room=context.room)
    return json_response(status.with_result(made), headers=headers)


def _entity_tag(without_result: bytes, *, has_result: bool) -> str:
    """A strong tag: what the bytes of the answer depend on, read without a document."""
    return f'"{sha256(str(has_result).encode() + without_result).hexdigest()[:32]}"'


async def _filters(
    paging: PagingOfRequest,
    status: Annotated[
        list[OperationStatus] | None,
        Query(description="Operations with this status, or any of several.", examples=[["FAILED"]]),
    ] = None,
    operation_type: Annotated[
        list[OperationType] | None,
        Query(description="Operations of this type, or any of several.", examples=[["CREATE_PROPOSAL"]]),
    ] = None,
    correlation_id: Annotated[
        CorrelationIdText,
        Query(
            description="Operations that carry this correlation id, their own or that of a replay or retry.",
            examples=["crm/case/4711"],
        ),
    ] = None,
    proposal_id: Annotated[
        QueryText,
        Query(description="Operations that made this proposal or a version of it.", examples=[PROPOSAL_ID_EXAMPLE]),
    ] = None,
    created_by: Annotated[
        QueryText, Query(description="Submitted by this person, exactly as in `created_by`.", examples=["advisor_1"])
    ] = None,
) -> OperationFilter:
    return OperationFilter(
        status=None if status is None else tuple(dict.fromkeys(status)),
        operation_type=None if operation_type is None else tuple(dict.fromkeys(operation_type)),
        correlation_id=correlation_id,
        proposal_id=proposal_id,
        created_by=created_by,
        created_from=paging.created_from,
        created_to=paging.created_to,
    )


@router.get(
    "",
    scopes={Scope.OPERATIONS_READ},
    raises=(CursorInvalid,),
    summary="List operations",
    response_model=OperationListResponse,
)
async def list_operations(
    filters: Annotated[OperationFilter, Depends(_filters)], paging: PagingOfRequest, context: Context
) -> Response:
    """Newest first, narrowed by any of the filters; results are left out. Follow `next_cursor` until it is null."""
    page = await context.services.lookup.page(filters, client=context.client, cursor=paging.cursor, limit=paging.limit)
    items = [AsyncStatus.of(operation, context.services.terms) for operation in page.items]
    return json_response(OperationListResponse(items=items, next_cursor=page.next_cursor))


@router.post(
    "/{operation_id}/cancel",
    scopes={Scope.OPERATIONS_CANCEL},
    raises=(OperationAlreadyTerminal, *NOT_THERE),
    status_code=202,
    summary="Cancel an operation",
    response_model=AsyncStatus,
    responses={
        202: {
            "description": "The operation ended FAILED with OPERATION_CANCELLED; its workflow is cancelled, too.",
            "headers": LOCATION_HEADERS,
        }
    },
)
async def cancel_operation(operation_id: OperationIdInPath, context: Context) -> Response:
    """End an open operation at once, whether Temporal and a worker can be reached or not.

    A cancel that comes while the result is committed either wins or finds the operation ended: 409.
    """
    cancelled = await context.services.cancellation.cancel(operation_id, client=context.client, by=context.caller.actor)
    return json_response(
        AsyncStatus.of(cancelled, context.services.terms).with_result(None),
        status_code=202,
        headers=where_to_poll(operation_path(cancelled.operation_id)),
    )


@router.post(
    "/{operation_id}/retry",
    scopes={Scope.OPERATIONS_CANCEL},
    raises=(OperationNotFailed, TooManyOpenOperations, IdempotencyKeyConflict, *NOT_THERE),
    status_code=202,
    summary="Retry a failed operation",
    response_model=AsyncAccepted,
    responses={
        202: ACCEPTED | {"description": "The next attempt, or the newest one when there was one already."},
    },
)
async def retry_operation(operation_id: OperationIdInPath, context: Context) -> Response:
    """Submit the stored request again as the next attempt of its key, with the same callback and correlation id.

    The attempt is found by the correlation id of this request, too.
    """
    retried = await context.services.retrying.retry(
        operation_id, client=context.client, by=context.caller.actor, correlation_id=context.correlation_id
    )
    return accepted_response(retried)

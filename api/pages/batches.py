"""The page of a batch, as an answer."""

import asyncio
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from fastapi import Response

from api.http.headers import acceptable, is_current
from api.http.router import Context
from api.pages.artifacts import HTML, OFFERED, PAGE_HEADERS, VARY
from api.pages.batch_page import QUICK_RUNS, batch_page
from api.wire import response_of
from domain.operation import Operation
from services.batch_reads import RunFilter
from services.lookup import MadeResult

FAILED_RUNS: Final = 200


def is_page_asked_for(accept: str | None) -> bool:
    """Only when it is named or preferred: JSON is the answer to every other `Accept`."""
    return accept is not None and acceptable(accept, OFFERED) == HTML


async def page_of_batch(batch: Operation, context: Context, *, if_none_match: str | None) -> Response:
    """The page as it is now."""
    made = await context.services.lookup.result(batch, room=context.room)
    failed_runs: list[str] = []
    has_more = False
    if batch.progress is not None and batch.progress.failed:
        failed = await context.services.batches.page(
            batch.operation_id,
            RunFilter(status=frozenset({"FAILED"})),
            client=context.client,
            cursor=None,
            limit=FAILED_RUNS,
        )
        failed_runs, has_more = [run.text for run in failed.items], failed.next_cursor is not None
    text = made.text if isinstance(made, MadeResult) else None
    so_far = [] if text is not None else await _computed_so_far(batch, context)
    page = await asyncio.to_thread(batch_page, batch, text, failed_runs, has_more=has_more, so_far=so_far)
    body = page.encode()
    headers = PAGE_HEADERS | VARY | {"ETag": f'"{sha256(body).hexdigest()}"'}
    if is_current(headers["ETag"], if_none_match):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return response_of([body], HTML, headers=headers)


async def _computed_so_far(batch: Operation, context: Context) -> list[bytes]:
    """Summaries of a batch without a result; of a large one it would take too long to add them up for each reader."""
    if batch.progress is None or batch.progress.total > QUICK_RUNS:
        return []
    file = await context.services.batches.file(batch.operation_id, client=context.client)
    chunks = [lines async for lines in context.services.batches.summaries(file, after=-1)]
    return b"".join(chunks).splitlines()

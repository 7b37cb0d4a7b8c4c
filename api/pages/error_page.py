"""The page of all error codes, which the `type` of a problem leads to; it needs no token, for it holds no data."""

from collections import defaultdict
from functools import cache
from typing import Final

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from api.http.error_catalogue import CATALOGUE, ErrorEntry
from api.pages.templates import PAGE_HEADERS, template
from domain.public_links import ERRORS_PATH

INTRODUCTION: Final = (
    """Every error of this service is a problem (RFC 9457). Decide by `code`: a code never changes its meaning. `title`
    says the same in one sentence for people, and `detail` what is known of this one request.""",
    """`retryable` is `true` where the same request can succeed later without a change. Send it again with the same
    idempotency key: whatever became of the first one, the work is then done once.""",
    """`correlation_id` is the one to report: operators find the request in the log by it.""",
)
OF_OPERATIONS: Final = (
    """An operation that was accepted can still fail. `error.problem` is then one of these codes, with which
    `error.message` begins, too. `error.code` is a coarser class that older clients know, and all that the record of a
    purged operation keeps, as `error_code`. A request that waits for its operation gets the same code as a problem.""",
)
# The same for every reader, until another release of the service.
HEADERS: Final = PAGE_HEADERS | {"Cache-Control": "public, max-age=300"}


def by_status() -> dict[int, list[ErrorEntry]]:
    """The entries of each status; a code with two statuses is under both."""
    found = defaultdict(list)
    for _, entry in sorted(CATALOGUE.items()):
        for status in entry.statuses:
            found[status].append(entry)
    return dict(sorted(found.items()))


def failures() -> list[ErrorEntry]:
    """The entries of the codes that a FAILED operation can have."""
    return [entry for _, entry in sorted(CATALOGUE.items()) if entry.wire_classes]


@cache
def error_page() -> str:
    page: str = template("errors.html.j2").render(
        introduction=INTRODUCTION,
        of_operations=OF_OPERATIONS,
        by_status=by_status(),
        failures=failures(),
        entries=list(CATALOGUE.values()),
    )
    return page


def add_errors_page(app: FastAPI) -> None:
    @app.get(ERRORS_PATH, include_in_schema=False)
    async def errors() -> HTMLResponse:
        return HTMLResponse(error_page(), headers=HEADERS)

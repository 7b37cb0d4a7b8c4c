"""The runs of a batch: summaries by page, or all lines with their results as one file."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Header, Path, Query, Response
from pydantic import Field
from typing_extensions import TypeAliasType

from api.documents.result import ProposalResult
from api.documents.valuation import MoneyText
from api.gates import Gate
from api.http.answers import StreamedAnswer, not_modified, response_of
from api.http.headers import JSON, NDJSON, VARY, IfNoneMatchHeader, described_header, negotiated
from api.http.parameters import (
    IN_DIGITS,
    MAX_RUN_NO,
    OperationIdInPath,
    QueryText,
    made_of_parameters,
)
from api.http.problem_schemas import ValidationErrorItem
from api.http.router import Context, GuardedRouter
from api.http.schemas import REFERENCE
from api.wire import (
    OPERATION_ID_EXAMPLE,
    RunId,
    Stored,
    StoredJson,
    TerminalStatus,
    Weight,
    Wire,
    json_bytes,
)
from domain.access import Scope
from domain.canonical import wire_text
from domain.errors import CursorInvalid, OperationExpired, OperationNotFound, RunNotFound
from domain.public_links import OPERATIONS_PATH, runs_path
from services.batch_reads import RunFile, RunFilter, RunSummary

NOT_THERE: Final = (OperationNotFound, OperationExpired, RunNotFound)

router = GuardedRouter(f"{OPERATIONS_PATH}/{{operation_id}}/runs", gate=Gate.ASYNC, tag="Batches")


class RunMetrics(Wire):
    """A run in numbers, from its result."""

    status: str = Field(description="READY, PENDING_REVIEW or BLOCKED.", examples=["READY"])
    security_intent_count: int = Field(description="How many security trades the result has.", examples=[1])
    gross_turnover_notional_base: MoneyText = Field(description="Their notionals in the base currency, added up.")
    fx_intent_count: int = Field(description="How many currency trades the result has.", examples=[0])
    gate: str | None = Field(
        description="The gate that it should pass next; null without gates.", examples=["CLIENT_CONSENT_REQUIRED"]
    )
    recommended_next_step: str | None = Field(
        description="What to do because of the gate; null without gates.", examples=["REQUEST_CLIENT_CONSENT"]
    )
    hard_fail_count: int = Field(description="Hard rules that failed.", examples=[0])
    soft_fail_count: int = Field(description="Soft rules that failed.", examples=[0])
    new_high_suitability_count: int = Field(description="New suitability issues of severity HIGH.", examples=[0])
    new_medium_suitability_count: int = Field(description="New suitability issues of severity MEDIUM.", examples=[0])
    total_value_before: MoneyText = Field(description="The portfolio's value before the trades.")
    total_value_after: MoneyText = Field(description="The portfolio's value after the trades.")
    cash_weight_before: Weight = Field(description="Cash as a fraction of it, before.", examples=["0.1562"])
    cash_weight_after: Weight = Field(
        description="Cash as a fraction of the total after the trades.", examples=["0.5781"]
    )
    drift_total_before: str | None = Field(
        description="Distance from the model before, by instrument where it has instruments; null without a model.",
        examples=[None],
    )
    drift_total_after: str | None = Field(
        description="The same distance after the trades; null without a model.", examples=[None]
    )
    warnings: list[str] = Field(
        description="Codes of warnings, each once.", examples=[["PROPOSAL_TRADE_DROPPED_MISSING_PRICE"]]
    )


RunErrorCode = TypeAliasType(
    "RunErrorCode",
    Literal["VALIDATION_FAILED", "PROPOSAL_SIMULATION_DISABLED", "OPERATION_TOO_EXPENSIVE", "OPERATION_INTERNAL_ERROR"],
)


class RunError(Wire):
    """Why a run could not be computed."""

    code: RunErrorCode = Field(description="Why the run has no result, for programs.", examples=["VALIDATION_FAILED"])
    message: str = Field(description="The code, or the code with a sentence.", examples=["VALIDATION_FAILED"])
    errors: list[ValidationErrorItem] = Field(
        [],
        description="For VALIDATION_FAILED: what is wrong and where, from `shared`, `items` or `scenarios` on.",
        examples=[[{"type": "missing", "loc": ["items", 1, "portfolio_snapshot"], "msg": "Field required"}]],
    )


class RunLinks(Wire):
    """Where the run is by itself."""

    self: str = Field(description="This run, with its result.", examples=[f"{runs_path(OPERATION_ID_EXAMPLE)}/1"])


class _Run(Wire):
    run_no: int = Field(description="Its number in the batch, from 0: by item, then by scenario.", examples=[1])
    item_id: str = Field(description="`id` of the item in the request.", examples=["pf_1"])
    scenario: str = Field(description="Name of the scenario in the request.", examples=["trim"])
    status: TerminalStatus = Field(description="Whether it was computed.", examples=["SUCCEEDED"])
    proposal_run_id: RunId | None = Field(
        description="As a simulation of its request has it.", examples=["pr_976fe8f383e7c3cbea657b839cad40b1"]
    )
    metrics: RunMetrics | None = Field(description="What came of it; null when it FAILED.")
    error: RunError | None = Field(description="Why it FAILED; null otherwise.", examples=[None])


class BatchRun(_Run):
    """One item in one scenario, without its result."""

    links: RunLinks = Field(description="Where it is by itself.")


class RunWithResult(_Run):
    """One item in one scenario: a line of the file."""

    result: ProposalResult | None = Field(
        description="What a simulation of its request returns; null when it FAILED.", examples=[None]
    )


class RunListResponse(Wire):
    """A page of computed runs."""

    items: list[Annotated[StoredJson, Stored(BatchRun)]] = Field(description="In the order of their numbers.")
    next_cursor: str | None = Field(
        description="`cursor` of the next page: the number of this one's last run; null on the last page.",
        examples=["1"],
    )


AcceptHeader = Annotated[
    str | None,
    Header(
        alias="Accept",
        description="`application/json` for a page without results (also without this header), `application/x-ndjson` "
        "for all lines.",
        examples=[NDJSON],
    ),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunQuery:
    """The filters and the page of the JSON form; where the lines begin, and with what, of the other."""

    item_id: Annotated[QueryText, Query(description="Of this item.", examples=["pf_1"])] = None
    scenario: Annotated[QueryText, Query(description="Of this scenario.", examples=["trim"])] = None
    status: Annotated[
        list[TerminalStatus] | None,
        Query(description="With this status, or any of several.", examples=[["FAILED"]]),
    ] = None
    simulation_status: Annotated[
        QueryText, Query(description="Whose result has this status.", examples=["BLOCKED"])
    ] = None
    gate: Annotated[QueryText, Query(description="Whose result has this gate.", examples=["BLOCKED"])] = None
    limit: Annotated[int, Query(description="Runs a page.", ge=1, le=500, examples=[100]), IN_DIGITS] = 100
    cursor: Annotated[QueryText, Query(description="`next_cursor` of the page before.", examples=["99"])] = None
    after: Annotated[
        int | None,
        Query(
            description="Of the lines: begin after this run, as when a download broke off.",
            ge=0,
            le=MAX_RUN_NO,
            examples=[824],
        ),
        IN_DIGITS,
    ] = None
    include_result: Annotated[
        bool, Query(description="Of the lines: `false` leaves `result` out, so that no document is read or sent.")
    ] = True

    @property
    def filters(self) -> RunFilter:
        return RunFilter(
            item_id=self.item_id,
            scenario=self.scenario,
            status=None if self.status is None else frozenset(self.status),
            simulation_status=self.simulation_status,
            gate=self.gate,
        )


RunQueryOfRequest = Annotated[RunQuery, Depends(made_of_parameters(RunQuery))]
RunNoInPath = Annotated[int, Path(description="The run.", ge=0, le=MAX_RUN_NO, examples=[1]), IN_DIGITS]
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "What is computed so far; once the operation has ended it does not change.",
        "content": {NDJSON: {"schema": {"$ref": REFERENCE.format(model=RunWithResult.__name__)}}},
        "headers": {
            "ETag": described_header(
                "Of a page, or of all lines once the operation has ended: then it holds `results_hash`."
            ),
            "Vary": described_header("`Accept`."),
        },
    },
    304: {"description": "The caller's copy is current."},
}


@router.get(
    "",
    scopes={Scope.OPERATIONS_READ},
    raises=(*NOT_THERE, CursorInvalid),
    statuses=(406,),
    summary="Read the runs of a batch",
    response_model=RunListResponse,
    responses=ANSWERS,
)
async def list_runs(
    operation_id: OperationIdInPath,
    query: RunQueryOfRequest,
    context: Context,
    accept: AcceptHeader = None,
    if_none_match: IfNoneMatchHeader = None,
) -> Response:
    """Computed runs in their order: a page of summaries, or all lines, which can be read while others are computed."""
    if negotiated(accept, (JSON, NDJSON)) == NDJSON:
        return await _file(operation_id, query, context, if_none_match)
    page = await context.services.batches.page(
        operation_id, query.filters, client=context.client, cursor=query.cursor, limit=query.limit
    )
    items = [_with_links(run, operation_id) for run in page.items]
    body = json_bytes(RunListResponse(items=items, next_cursor=page.next_cursor))
    return _tagged(body, if_none_match)


@router.get(
    "/{run_no}",
    scopes={Scope.OPERATIONS_READ},
    raises=NOT_THERE,
    summary="Read a run of a batch",
    response_model=RunWithResult,
    responses={200: {"description": "The run's line.", "headers": ANSWERS[200]["headers"]}, 304: ANSWERS[304]},
)
async def read_run(
    operation_id: OperationIdInPath,
    run_no: RunNoInPath,
    context: Context,
    if_none_match: IfNoneMatchHeader = None,
) -> Response:
    """One run with its result, as soon as it is computed."""
    line = await context.services.batches.run(operation_id, run_no, client=context.client, room=context.room)
    return _tagged(line, if_none_match)


def _tagged(body: bytes, if_none_match: str | None) -> Response:
    headers = VARY | {"ETag": f'"{sha256(body).hexdigest()[:32]}"'}
    return not_modified(headers, if_none_match) or response_of([body], JSON, headers=headers)


def _with_links(run: RunSummary, operation_id: str) -> StoredJson:
    links = wire_text({"self": f"{runs_path(operation_id)}/{run.run_no}"})
    return StoredJson(f'{run.text[:-1]},"links":{links}}}')


async def _file(operation_id: str, query: RunQuery, context: Context, if_none_match: str | None) -> Response:
    batches = context.services.batches
    file = await batches.file(operation_id, client=context.client)
    headers = VARY | _tag_of_file(file, query)
    if "ETag" in headers and (answer := not_modified(headers, if_none_match)):
        return answer
    after = -1 if query.after is None else query.after
    if not query.include_result:
        return StreamedAnswer(batches.summaries(file, after=after), NDJSON, headers=headers)
    await context.room(file.largest_chunk)
    return StreamedAnswer(batches.lines(file, after=after), NDJSON, headers=headers)


def _tag_of_file(file: RunFile, query: RunQuery) -> dict[str, str]:
    """The tag of all lines is their hash; other choices of lines have others."""
    if file.tag is None:
        return {}
    variant = "" if query.include_result else "-summaries"
    variant += "" if query.after is None else f"-after-{query.after}"
    return {"ETag": f'"{file.tag}{variant}"'}

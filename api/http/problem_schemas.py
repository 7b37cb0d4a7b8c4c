"""The bodies of errors, as the OpenAPI document shows them; `api.http.problems` writes them."""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from api.http.error_catalogue import CATALOGUE
from api.http.http_errors import VALIDATION_FAILED
from api.wire import (
    OPERATION_ID_EXAMPLE,
    PROPOSAL_ID_EXAMPLE,
    TIMESTAMP_EXAMPLE,
    OperationId,
    TerminalStatus,
    TimestampText,
)
from domain.operation import OperationType
from domain.proposal import EventType, ProposalState

CORRELATION_ID_EXAMPLE: Final = "corr_5f1d0c9a7be2"
ABSENT: Final[Any] = None  # a member that some problems lack; none of them is ever null
PROBLEM_CODE: Final = StrEnum("ProblemCode", [(code, code) for code in CATALOGUE])  # type: ignore[misc]  # its members are the catalogue's
PROBLEM_CODE.__doc__ = "Every code that an error of this service can have; the page `/docs/errors` explains each."


class ListedCode:
    """`Annotated[str, ListedCode()]`: a text, which the OpenAPI document shows as the enum of all codes."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=handler.generate_schema(PROBLEM_CODE), python_schema=handler(source)
        )


Code = Annotated[str, ListedCode()]


class ValidationErrorItem(BaseModel):
    """One thing that is wrong with a request; never shows what was sent."""

    type: str = Field(description="Kind of error, for programs.", examples=["missing"])
    loc: list[str | int] = Field(
        description="Where: part of the request, then fields and indexes.", examples=[["body", "created_by"]]
    )
    msg: str = Field(description="What is wrong, for people.", examples=["Field required"])


class PlacedError(BaseModel):
    """One thing that is wrong with a request, and its place: one of `pointer`, `parameter` and `header`."""

    pointer: str = Field(
        ABSENT,
        description="JSON Pointer into the body, as a URI fragment; `#` is the whole body.",
        examples=["#/simulate_request/proposed_trades/0/quantity"],
    )
    parameter: str = Field(ABSENT, description="Name of a query or path parameter.", examples=["limit"])
    header: str = Field(ABSENT, description="Name of a header.", examples=["Idempotency-Key"])
    detail: str = Field(description="What is wrong, for people.", examples=["Field required"])
    code: str = Field(description="Kind of error, for programs.", examples=["missing"])


class AnyProblem(BaseModel):
    """The members that every error has."""

    type: str = Field(
        description="Names the kind of problem: its place on the page of errors when the service knows its own public "
        "address, else a URN.",
        examples=["urn:proposals:problem:proposal-not-found"],
    )
    title: str = Field(
        description="What the code means, in one sentence for people.",
        examples=["You have no proposal with this id."],
    )
    status: int = Field(description="The HTTP status of the response.", examples=[404])
    retryable: bool = Field(
        description="Whether the same request can succeed later without a change to it. Send it with the same key.",
        examples=[False],
    )
    instance: str = Field(description="The path of the request.", examples=["/rebalance/proposals/pp_0"])
    correlation_id: str = Field(description="As in the X-Correlation-Id header.", examples=[CORRELATION_ID_EXAMPLE])


class Problem(AnyProblem):
    """An error. `code` is for programs, `title` and `detail` are for people."""

    detail: str = Field(description="`CODE` or `CODE: text`, or a sentence.", examples=["PROPOSAL_NOT_FOUND"])
    code: Code = Field(
        description="What went wrong, for programs to decide by; it never changes its meaning.",
        examples=["PROPOSAL_NOT_FOUND"],
    )
    errors: list[PlacedError] = Field(ABSENT, description="Of VALIDATION_FAILED: all that is wrong.")
    current_state: ProposalState = Field(
        ABSENT,
        description="Of INVALID_TRANSITION, INVALID_APPROVAL_STATE and STATE_CONFLICT: the proposal's present state.",
        examples=["DRAFT"],
    )
    allowed_events: list[EventType] = Field(
        ABSENT,
        description="Of the same codes: the events that are possible in this state.",
        examples=[["SUBMITTED_FOR_RISK_REVIEW", "SUBMITTED_FOR_COMPLIANCE_REVIEW", "CANCELLED"]],
    )
    required_scopes: list[str] = Field(
        ABSENT,
        description="Of INSUFFICIENT_SCOPE: the scopes, one of which is needed.",
        examples=[["proposals:read"]],
    )


class ValidationProblem(AnyProblem):
    """An invalid request, for clients that do not name `application/problem+json` in `Accept`."""

    detail: list[ValidationErrorItem] = Field(description="All that is wrong.")
    code: Literal["VALIDATION_FAILED"] = Field(
        description="What went wrong, for programs to decide by; always VALIDATION_FAILED.",
        examples=[VALIDATION_FAILED],
    )
    errors: list[PlacedError] = Field(description="The same, with each place as a pointer or a name.")


class ExpiredOperation(BaseModel):
    """What remains of an operation that was purged."""

    operation_id: OperationId = Field(description="The operation that was purged.", examples=[OPERATION_ID_EXAMPLE])
    operation_type: OperationType = Field(description="The kind of operation.", examples=["CREATE_PROPOSAL"])
    status: TerminalStatus = Field(description="How the operation had ended.", examples=["SUCCEEDED"])
    error_code: str | None = Field(
        description="Class of the failure; null if it SUCCEEDED.", examples=["ProposalValidationError"]
    )
    correlation_id: str = Field(
        description="The correlation id of the request that made the operation.", examples=["crm/case/4711"]
    )
    idempotency_key: str | None = Field(
        description="The idempotency key of the request.", examples=["7c1f4c8e-advice-2026-02-22"]
    )
    proposal_id: str | None = Field(description="The proposal that was made.", examples=[PROPOSAL_ID_EXAMPLE])
    version_no: int | None = Field(description="The version that was made.", examples=[1])
    created_at: TimestampText = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    runs_total: int | None = Field(None, description="Runs of a batch; absent for others.", examples=[1500])
    runs_succeeded: int | None = Field(None, description="Of these, those that were computed.", examples=[1497])
    runs_failed: int | None = Field(None, description="And those that could not be.", examples=[3])
    finished_at: TimestampText = Field(description="When it ended, UTC.", examples=[TIMESTAMP_EXAMPLE])
    expired_at: TimestampText = Field(description="When it was purged, UTC.", examples=[TIMESTAMP_EXAMPLE])


class ExpiredOperationProblem(Problem):
    """An operation that is gone; the proposal that it made is not."""

    operation: ExpiredOperation = Field(description="What remains of the operation.")

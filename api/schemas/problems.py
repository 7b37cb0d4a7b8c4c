"""Errors on the wire (RFC 9457)."""

from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.formats import OPERATION_ID_EXAMPLE, PROPOSAL_ID_EXAMPLE, TIMESTAMP_EXAMPLE, OperationId


class ValidationErrorItem(BaseModel):
    """One thing that is wrong with a request; never shows what was sent."""

    type: str = Field(description="Kind of error.", examples=["missing"])
    loc: list[str | int] = Field(
        description="Where: part of the request, then fields and indexes.", examples=[["body", "created_by"]]
    )
    msg: str = Field(description="What is wrong, for people.", examples=["Field required"])


class Problem(BaseModel):
    """An error. `code` is for programs, `detail` for people."""

    type: str = Field(description="Names the kind of problem.", examples=["urn:proposals:problem:proposal-not-found"])
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str | list[ValidationErrorItem] = Field(
        description="`CODE` or `CODE: text`; a list for invalid requests.", examples=["PROPOSAL_NOT_FOUND"]
    )
    code: str = Field(
        description="The stable code: what `detail` begins with, VALIDATION_FAILED for a list, else the status phrase.",
        examples=["PROPOSAL_NOT_FOUND"],
    )
    instance: str = Field(description="The path that was asked for.", examples=["/rebalance/proposals/pp_0"])
    correlation_id: str = Field(description="As in the X-Correlation-Id header.", examples=["corr_5f1d0c9a7be2"])


class ExpiredOperation(BaseModel):
    """What is still said of an operation that was purged."""

    operation_id: OperationId = Field(description="The operation.", examples=[OPERATION_ID_EXAMPLE])
    operation_type: Literal["CREATE_PROPOSAL", "CREATE_PROPOSAL_VERSION"] = Field(
        description="What was made.", examples=["CREATE_PROPOSAL"]
    )
    status: Literal["SUCCEEDED", "FAILED"] = Field(description="How it ended.", examples=["SUCCEEDED"])
    error_code: str | None = Field(
        description="Class of the failure; null if it SUCCEEDED.", examples=["ProposalValidationError"]
    )
    correlation_id: str = Field(description="Of the request that made the operation.", examples=["crm/case/4711"])
    idempotency_key: str | None = Field(description="The client's key.", examples=["7c1f4c8e-advice-2026-02-22"])
    proposal_id: str | None = Field(description="The proposal that was made.", examples=[PROPOSAL_ID_EXAMPLE])
    version_no: int | None = Field(description="The version that was made.", examples=[1])
    created_at: str = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    finished_at: str = Field(description="When it ended, UTC.", examples=[TIMESTAMP_EXAMPLE])
    expired_at: str = Field(description="When it was purged, UTC.", examples=[TIMESTAMP_EXAMPLE])


class ExpiredOperationProblem(Problem):
    """An operation that is gone; the proposal that it made is not."""

    operation: ExpiredOperation = Field(description="What is still said of it.")

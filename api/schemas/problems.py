"""Errors on the wire (RFC 9457)."""

from pydantic import BaseModel, Field


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

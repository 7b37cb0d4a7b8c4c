"""Operations on the wire: what a submission answers and what a poll answers."""

from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.formats import OPERATION_ID_EXAMPLE, PROPOSAL_ID_EXAMPLE, TIMESTAMP_EXAMPLE, OperationId
from api.schemas.proposals import CreateResponse

OperationTypeName = Literal["CREATE_PROPOSAL", "CREATE_PROPOSAL_VERSION"]
OperationStatusName = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED"]


class AsyncAccepted(BaseModel):
    """The promise of a 202: this operation is stored and will end."""

    operation_id: OperationId = Field(
        description="The operation; also the id of its Temporal workflow.", examples=[OPERATION_ID_EXAMPLE]
    )
    operation_type: OperationTypeName = Field(description="What is being made.", examples=["CREATE_PROPOSAL"])
    status: OperationStatusName = Field(
        description="PENDING for a new operation, its present status when the request is a replay.",
        examples=["PENDING"],
    )
    correlation_id: str = Field(description="Of the request that made the operation.", examples=["crm/case/4711"])
    created_at: str = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    status_url: str = Field(
        description="Where to poll, relative to this server.",
        examples=[f"/rebalance/proposals/operations/{OPERATION_ID_EXAMPLE}"],
    )


class OperationErrorBody(BaseModel):
    """Why an operation FAILED."""

    code: str = Field(description="Class of the failure.", examples=["ProposalValidationError"])
    message: str = Field(
        description="The contract's error text.",
        examples=["PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true"],
    )


class OperationLinks(BaseModel):
    """Where else to look; null for what does not exist or is not configured."""

    self: str = Field(
        description="This operation.", examples=[f"/rebalance/proposals/operations/{OPERATION_ID_EXAMPLE}"]
    )
    proposal: str | None = Field(
        description="The proposal, once there is one.", examples=[f"/rebalance/proposals/{PROPOSAL_ID_EXAMPLE}"]
    )
    callbacks: str | None = Field(
        description="How its callback fares; null when none was asked for.",
        examples=[f"/rebalance/proposals/operations/{OPERATION_ID_EXAMPLE}/callbacks"],
    )
    temporal_ui: str | None = Field(
        description="The workflow's page in the Temporal UI, when the service knows where that is.",
        examples=[f"http://127.0.0.1:8233/namespaces/default/workflows/{OPERATION_ID_EXAMPLE}"],
    )


class AsyncStatus(BaseModel):
    """One operation as it is now; once it is terminal this body never changes."""

    operation_id: OperationId = Field(
        description="The operation; also the id of its Temporal workflow.", examples=[OPERATION_ID_EXAMPLE]
    )
    operation_type: OperationTypeName = Field(description="What is being made.", examples=["CREATE_PROPOSAL"])
    status: OperationStatusName = Field(description="SUCCEEDED and FAILED are final.", examples=["SUCCEEDED"])
    correlation_id: str = Field(description="Of the request that made the operation.", examples=["crm/case/4711"])
    idempotency_key: str | None = Field(description="The client's key.", examples=["7c1f4c8e-advice-2026-02-22"])
    attempt: int = Field(description="The n-th operation of its key; a FAILED one frees the key.", ge=1, examples=[1])
    proposal_id: str | None = Field(description="The proposal that was made.", examples=[PROPOSAL_ID_EXAMPLE])
    version_no: int | None = Field(description="The version that was made.", ge=1, examples=[1])
    created_by: str = Field(description="Who submitted it.", examples=["advisor_1"])
    created_at: str = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    started_at: str | None = Field(description="When its first step was done, UTC.", examples=[TIMESTAMP_EXAMPLE])
    finished_at: str | None = Field(description="When it ended, UTC.", examples=[TIMESTAMP_EXAMPLE])
    updated_at: str = Field(description="When its row last changed, UTC.", examples=[TIMESTAMP_EXAMPLE])
    expires_at: str | None = Field(
        description="From when on the ended operation may be purged, UTC; the proposal stays.",
        examples=["2026-03-24T12:00:00.000000+00:00"],
    )
    result: CreateResponse | None = Field(
        None,
        description="What was made, as it was when the operation ended; null unless SUCCEEDED. "
        "Left out with `include_result=false`.",
        examples=[None],
    )
    error: OperationErrorBody | None = Field(description="Why it FAILED; null otherwise.", examples=[None])
    links: OperationLinks = Field(
        description="Where else to look.",
        examples=[
            {
                "self": f"/rebalance/proposals/operations/{OPERATION_ID_EXAMPLE}",
                "proposal": None,
                "callbacks": None,
                "temporal_ui": None,
            }
        ],
    )


class OperationListResponse(BaseModel):
    """A page of operations, without their results."""

    items: list[AsyncStatus] = Field(description="Newest first.")
    next_cursor: str | None = Field(
        description="`cursor` of the next page: the last operation of this one; null on the last page.",
        examples=[OPERATION_ID_EXAMPLE],
    )

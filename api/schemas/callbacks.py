"""Callbacks on the wire: what clients ask for, what receivers get, and the log of a delivery."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from pydantic_core import PydanticCustomError

from api.schemas.formats import OPERATION_ID_EXAMPLE, PROPOSAL_ID_EXAMPLE, TIMESTAMP_EXAMPLE, OperationId
from api.schemas.operations import OperationErrorBody, OperationTypeName
from domain.callback_headers import MAX_HEADERS, refused_headers
from domain.callback_url import MAX_URL_LENGTH
from domain.portfolio import RequestPart
from domain.text import is_storable

CALLBACK_EXAMPLE: Final[dict[str, Any]] = {
    "url": "https://orchestrator.example/hooks/proposals",
    "headers": {"Authorization": "Bearer 5f1d0c9a7be2"},
}
WEBHOOK_ID_EXAMPLE: Final = f"msg_{OPERATION_ID_EXAMPLE.removeprefix('pop_')}"


def _refuse_headers(headers: dict[str, str]) -> dict[str, str]:
    refusal = refused_headers(headers)
    if refusal is not None:
        raise PydanticCustomError("callback_headers", "{refusal}", {"refusal": refusal})
    return headers


def _refuse_unstorable(text: str) -> str:
    if not is_storable(text):
        raise PydanticCustomError("string_unicode", "Text must not hold NUL or a lone surrogate")
    return text


class CallbackRequest(RequestPart):
    """Whom to tell that the operation has ended, however it ends."""

    url: Annotated[
        str, StringConstraints(min_length=1, max_length=MAX_URL_LENGTH), AfterValidator(_refuse_unstorable)
    ] = Field(
        description="https, of a public host, without user information or fragment; never shown again.",
        examples=[CALLBACK_EXAMPLE["url"]],
    )
    headers: Annotated[dict[str, str], AfterValidator(_refuse_headers)] | None = Field(
        None,
        description=f"Sent with each attempt, at most {MAX_HEADERS}, for credentials of the receiver; never shown "
        "again. Names that HTTP, a proxy or this service uses are refused, with `_` or `-`: `Host`, `Content-...`, "
        "`Webhook-...`, `X-Forwarded-...`, `X-HTTP-Method-Override` and others (docs/webhooks.md).",
        examples=[CALLBACK_EXAMPLE["headers"]],
        max_length=MAX_HEADERS,
    )


class CallbackData(BaseModel):
    """The ended operation, without what it made."""

    operation_id: OperationId = Field(description="The operation.", examples=[OPERATION_ID_EXAMPLE])
    operation_type: OperationTypeName = Field(description="What was being made.", examples=["CREATE_PROPOSAL"])
    status: Literal["SUCCEEDED", "FAILED"] = Field(description="How it ended.", examples=["SUCCEEDED"])
    correlation_id: str = Field(description="Of the request that made the operation.", examples=["crm/case/4711"])
    proposal_id: str | None = Field(description="The proposal.", examples=[PROPOSAL_ID_EXAMPLE])
    version_no: int | None = Field(description="The version that was made.", examples=[1])
    error: OperationErrorBody | None = Field(description="Why it FAILED; null otherwise.", examples=[None])
    status_url: str = Field(
        description="Where the result is, relative to this server.",
        examples=[f"/rebalance/proposals/operations/{OPERATION_ID_EXAMPLE}"],
    )


class CallbackMessage(BaseModel):
    """What a receiver gets; the same bytes at every attempt."""

    type: Literal["proposal.operation.succeeded", "proposal.operation.failed"] = Field(
        description="What happened.", examples=["proposal.operation.succeeded"]
    )
    timestamp: str = Field(description="When the operation ended, UTC.", examples=[TIMESTAMP_EXAMPLE])
    data: CallbackData = Field(description="The operation.")


class CallbackAttempt(BaseModel):
    """One try: answered with a status code, or ended by an error."""

    attempt_no: int = Field(description="1, 2, 3 without a gap, redeliveries included.", examples=[1])
    at: str = Field(description="When it began, UTC.", examples=[TIMESTAMP_EXAMPLE])
    duration_ms: int = Field(description="Milliseconds until it was answered or given up.", examples=[87])
    status_code: int | None = Field(description="What the receiver answered; only 2xx is success.", examples=[204])
    error: (
        Literal[
            "URL_NOT_ALLOWED",
            "NAME_NOT_RESOLVED",
            "NOT_CONFIGURED",
            "CONNECTION_FAILED",
            "TLS_FAILED",
            "TIMEOUT",
            "ANSWER_INVALID",
        ]
        | None
    ) = Field(description="Why there was no answer.", examples=[None])


class CallbackDelivery(BaseModel):
    """How the callback of an operation fares."""

    operation_id: OperationId = Field(description="The operation.", examples=[OPERATION_ID_EXAMPLE])
    webhook_id: str = Field(
        description="The header `webhook-id`, the same at every attempt.", examples=[WEBHOOK_ID_EXAMPLE]
    )
    host: str | None = Field(description="Where it goes; the url is never shown.", examples=["orchestrator.example"])
    status: Literal["NOT_DUE", "PENDING", "DELIVERED", "FAILED"] = Field(
        description="NOT_DUE until the operation has ended, PENDING until an attempt succeeds or all have failed.",
        examples=["DELIVERED"],
    )
    created_at: str | None = Field(description="When the operation ended, UTC.", examples=[TIMESTAMP_EXAMPLE])
    finished_at: str | None = Field(description="When it was DELIVERED or FAILED, UTC.", examples=[TIMESTAMP_EXAMPLE])
    next_attempt_at: str | None = Field(description="While PENDING: when the next attempt is due.", examples=[None])
    attempts: list[CallbackAttempt] = Field(description="Oldest first.")

"""Health, for load balancers and operators; and what this process measures, for Prometheus."""

from dataclasses import asdict
from typing import Any, Final, Literal, Self

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import Field

from api.http.problem_schemas import Problem
from api.http.problems import RETRY_AFTER_SECONDS
from api.http.router import ServicesOfProcess, problems
from api.wire import Wire, json_response
from services.readiness import AuthenticationState, ComponentState, Readiness, ReadyStatus

router = APIRouter()

# A probe has no body and no parameters: only the header that every request may have can be invalid.
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    **problems(statuses=(500,)),
    422: {"model": Problem, "description": "Unprocessable Entity: `CORRELATION_ID_INVALID`"},
}


class Live(Wire):
    """The process responds."""

    status: Literal["ok"] = Field(
        description="Always `ok`: a process that cannot answer says nothing.", examples=["ok"]
    )


class Ready(Wire):
    """Whether requests can be served, and what of the surroundings is missing."""

    status: ReadyStatus = Field(
        description="`degraded`: requests are accepted and kept, and go on when the missing part is back. "
        "`unavailable` (503): PostgreSQL cannot be reached, takes no writes, or its schema is older than this release.",
        examples=["ok"],
    )
    database: ComponentState = Field(
        description="PostgreSQL, its schema, and whether it takes writes.", examples=["ok"]
    )
    reason: str | None = Field(
        default=None, description="With 503 only: one sentence about what is wrong with the database.", examples=[None]
    )
    temporal: ComponentState = Field(
        description="Whether the Temporal server can be reached; requests are accepted without it.", examples=["ok"]
    )
    workers: ComponentState = Field(description="Whether a worker polls for proposals.", examples=["ok"])
    authentication: AuthenticationState = Field(
        description="`degraded`: the issuer's keys could not be fetched when they were last asked for; tokens are "
        "judged by those of before, for an hour at most. `off`: no tokens are asked for.",
        examples=["ok"],
    )

    @classmethod
    def of(cls, readiness: Readiness) -> Self:
        states = {name: state for name, state in asdict(readiness).items() if state is not None}
        return cls(status=readiness.status, **states)


@router.get(
    "/health/live",
    operation_id="live",
    tags=["Health"],
    summary="Check that the process is alive",
    response_model=Live,
    responses=PROBLEMS,
)
async def live() -> Response:
    """Succeeds as long as the process responds; no other system is asked."""
    return json_response(Live(status="ok"))


@router.get(
    "/health/ready",
    operation_id="ready",
    tags=["Health"],
    summary="Check that requests can be served",
    response_model=Ready,
    responses={
        **PROBLEMS,
        503: {
            "model": Ready,
            "description": "PostgreSQL cannot be reached, takes no writes, or its schema is older than this release.",
        },
    },
)
async def ready(services: ServicesOfProcess) -> Response:
    """503 only when PostgreSQL cannot be reached or written to, or with an older schema, and then with the reason.

    Without Temporal or workers requests are still accepted.
    """
    readiness = await services.readiness.readiness()
    return json_response(
        Ready.of(readiness),
        status_code=200 if readiness.is_serving else 503,
        headers=None if readiness.is_serving else {"Retry-After": RETRY_AFTER_SECONDS},
    )


@router.get("/metrics", include_in_schema=False)
async def metrics(services: ServicesOfProcess) -> Response:
    """The text format; numbers from PostgreSQL are at most a few seconds old while it can be reached."""
    await services.backlog.refresh()
    return Response(generate_latest(services.metrics.registry), media_type=CONTENT_TYPE_LATEST)

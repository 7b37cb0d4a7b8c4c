"""Health, for load balancers and operators."""

from fastapi import APIRouter, Response

from api.dependencies import ProcessServices
from api.json_text import json_response
from api.problems import problems
from api.schemas.health import Live, Ready

router = APIRouter(prefix="/health", tags=["Health"])


@router.get("/live", summary="Is the process alive", response_model=Live, responses=problems(statuses=(422, 500)))
async def live() -> Response:
    """Answers as long as the process does; asks nobody else."""
    return json_response({"status": "ok"})


@router.get(
    "/ready",
    summary="Can requests be served",
    response_model=Ready,
    responses={
        **problems(statuses=(422, 500)),
        503: {
            "model": Ready,
            "description": "PostgreSQL cannot be reached, takes no writes, or its schema is older than this release.",
        },
    },
)
async def ready(services: ProcessServices) -> Response:
    """503 only when PostgreSQL cannot be reached or written to, or with an older schema, and then with the reason.

    Without Temporal or workers requests are still accepted.
    """
    readiness = await services.readiness.readiness()
    return json_response(
        {
            "status": readiness.status,
            "database": readiness.database,
            **({} if readiness.reason is None else {"reason": readiness.reason}),
            "temporal": readiness.temporal,
            "workers": readiness.workers,
        },
        status_code=200 if readiness.is_serving else 503,
        headers=None if readiness.is_serving else {"Retry-After": "2"},
    )

"""What this process measures, for Prometheus; not for clients, hence not in the OpenAPI document."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """The text format; what PostgreSQL is asked for is a few seconds old at most, while PostgreSQL answers."""
    await request.state.backlog.refresh()
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)

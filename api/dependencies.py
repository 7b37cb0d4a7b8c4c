"""Short names for what endpoints take besides headers and bodies."""

from typing import Annotated, Final

from fastapi import Depends, Request

from api.services import Services

LOCAL_CLIENT: Final = "local"  # without authentication there is one client; its name is in every key and operation


def _services(request: Request) -> Services:
    services: Services = request.state.services
    return services


def _correlation_id(request: Request) -> str:
    correlation_id: str = request.state.correlation_id
    return correlation_id


ProcessServices = Annotated[Services, Depends(_services)]
CorrelationId = Annotated[str, Depends(_correlation_id)]

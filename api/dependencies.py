"""Short names for what endpoints take besides headers and bodies."""

from typing import Annotated

from fastapi import Depends, Request

from api.access import caller_of
from api.services import Services
from domain.access import Caller


def _services(request: Request) -> Services:
    services: Services = request.state.services
    return services


def _correlation_id(request: Request) -> str:
    correlation_id: str = request.state.correlation_id
    return correlation_id


ProcessServices = Annotated[Services, Depends(_services)]
CorrelationId = Annotated[str, Depends(_correlation_id)]
CallerOfRequest = Annotated[Caller, Depends(caller_of)]

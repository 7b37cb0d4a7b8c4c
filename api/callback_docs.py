"""The callback as the OpenAPI document shows it: what a receiver has to serve. Nothing here is ever called."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from starlette.routing import BaseRoute

from api.schemas.callbacks import WEBHOOK_ID_EXAMPLE, CallbackMessage


def callback_routes(endpoint: str) -> list[BaseRoute]:
    """The `callbacks=` of an endpoint; ids of operations are unique in a document, so each endpoint has its own."""
    router = APIRouter()
    router.post(
        "{$request.body#/callback/url}",
        operation_id=f"{endpoint}_ended",
        summary="The operation has ended",
        status_code=204,
        response_class=Response,
        responses={
            204: {"description": "Taken; any 2xx is as good."},
            410: {"description": "Never again: no further attempt is made."},
            "default": {"description": "Not taken: tried again, after `Retry-After` at the earliest."},
        },
    )(operation_ended)
    return router.routes


async def operation_ended(
    body: CallbackMessage,
    webhook_id: Annotated[
        str, Header(description="The same at every attempt: take it once.", examples=[WEBHOOK_ID_EXAMPLE])
    ],
    webhook_timestamp: Annotated[
        str, Header(description="Of this attempt, in Unix seconds: refuse old ones.", examples=["1771761600"])
    ],
    webhook_signature: Annotated[
        str,
        Header(
            description="`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; several, separated by spaces, while "
            "secrets rotate.",
            examples=["v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="],
        ),
    ],
) -> None:
    """Sent when the operation has ended, however it ended: at least once, signed as Standard Webhooks 1.0 has it."""

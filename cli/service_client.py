"""How commands reach a running service: its address, a token, a client, and what to print when it refuses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

import httpx2
import typer
from proposals_client import ApiError, AsyncProposals, ProposalsError, ServerError, ServiceUnreachable

DEFAULT_URL: Final = "http://127.0.0.1:8000"
REPEAT_SECONDS: Final = 2.0  # a person waits for the refusal

UrlOption = Annotated[str, typer.Option(envvar="PROPOSALS_URL", help="Base URL of the API.")]
TokenOption = Annotated[
    str | None, typer.Option(envvar="PROPOSALS_TOKEN", help="Bearer token, where the service asks for one.")
]


@asynccontextmanager
async def client_of(url: str, *, token: str | None = None) -> AsyncIterator[AsyncProposals]:
    """A client that asks no proxy. Raises InvalidArgument for an invalid URL or token."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        yield AsyncProposals(url, token=token, repeat_seconds=REPEAT_SECONDS, http=http)


def failure_lines(failure: ProposalsError) -> list[str]:
    """What to print: what happened, and what to do."""
    lines = str(failure).splitlines()
    if isinstance(failure, ApiError) and failure.what_to_do:
        lines.append(failure.what_to_do)
    is_unknown = isinstance(failure, ServerError) or (isinstance(failure, ServiceUnreachable) and failure.was_sent)
    if is_unknown and (key := getattr(failure, "key", None)):
        lines.append(f"whether it was accepted is not known: try again with --idempotency-key {key}")
    return lines

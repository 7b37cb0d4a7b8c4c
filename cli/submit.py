"""The command `submit`: a file becomes an operation, followed to its end."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import httpx2
import typer
from proposals_client import (
    ApiError,
    AsyncBatch,
    AsyncOperation,
    AsyncProposals,
    AsyncWaitTimeout,
    OperationState,
    ProposalsError,
    ServerError,
    ServiceUnreachable,
)

from cli.batch_view import Pace, is_batch, print_batch
from cli.output import console, fail, print_fields, progress_line

EXIT_FAILED: Final = 1
EXIT_TIMEOUT: Final = 4
UNREACHED: Final = "the service does not answer, trying again"
HELD_SECONDS: Final = 2.0  # how long the service holds a poll; short enough to see RUNNING
LIVE_SECONDS: Final = 0.3  # for a bar that moves
REPEAT_SECONDS: Final = 2.0  # a person waits for the refusal


def submit(
    file: Annotated[
        Path,
        typer.Argument(
            help="A create request, as examples/create_proposal.json, or a batch, as examples/analyze.json."
        ),
    ],
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the operation to its end.")] = False,
    url: Annotated[str, typer.Option(envvar="PROPOSALS_URL", help="Base URL of the API.")] = "http://127.0.0.1:8000",
    token: Annotated[
        str | None, typer.Option(envvar="PROPOSALS_TOKEN", help="Bearer token, where the service asks for one.")
    ] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="Made here, and shown, when absent.")] = None,
    correlation_id: Annotated[str | None, typer.Option(help="Made by the service when absent.")] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to follow the operation.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer's JSON and nothing else.")] = False,
) -> None:
    """Submit a proposal, or a batch: a request that has `items`.

    Exits 0 when it was accepted (with --wait: SUCCEEDED), 1 when it was refused, FAILED or the service cannot be
    reached, 4 when it has not ended within --timeout; it then goes on without this command.
    """
    try:
        submitting = _submit(
            url,
            file.read_bytes(),
            token=token,
            idempotency_key=idempotency_key,
            correlation_id=correlation_id,
            seconds=timeout if wait else None,
            as_json=as_json,
        )
        exit_code = asyncio.run(submitting)
    except AsyncWaitTimeout as late:
        fail("proposals submit", str(late), exit_code=EXIT_TIMEOUT)
    except ProposalsError as failure:
        fail("proposals submit", *failure_lines(failure))
    except OSError as failure:
        fail("proposals submit", f"{file}: {failure.strerror}")
    raise typer.Exit(exit_code)


async def _submit(
    url: str,
    document: bytes,
    *,
    token: str | None,
    idempotency_key: str | None,
    correlation_id: str | None,
    seconds: float | None,
    as_json: bool,
) -> int:
    async with client_of(url, token=token) as desk:
        began = time.monotonic()
        operation = await submitted(desk, document, key=idempotency_key, correlation_id=correlation_id)
        if seconds is None or not as_json:
            _print_accepted(operation, as_json=as_json)
        if seconds is None:
            return 0
        state = await follow_to_end(operation, seconds=seconds, is_quiet=as_json)
        if as_json:
            typer.echo(json.dumps(state.document))
        else:
            await print_outcome(operation, state, seconds=time.monotonic() - began)
    return 0 if state.status == "SUCCEEDED" else EXIT_FAILED


async def submitted(
    desk: AsyncProposals, document: bytes, *, key: str | None = None, correlation_id: str | None = None
) -> AsyncOperation | AsyncBatch:
    """What the document asks for. Raises ProposalsError."""
    try:
        submit_it = desk.submit_batch if is_batch(json.loads(document)) else desk.submit
    except ValueError:
        submit_it = desk.submit  # the service says what is wrong with it
    return await submit_it(document, key=key, correlation_id=correlation_id)


@asynccontextmanager
async def client_of(url: str, *, token: str | None = None) -> AsyncIterator[AsyncProposals]:
    """A client that asks no proxy. Raises InvalidArgument for an invalid URL or token."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        yield AsyncProposals(url, token=token, repeat_seconds=REPEAT_SECONDS, http=http)


async def follow_to_end(
    operation: AsyncOperation | AsyncBatch, *, seconds: float, is_quiet: bool = False
) -> OperationState:
    """Its ended state; shows the status until then. Raises AsyncWaitTimeout, ProposalsError."""
    pace = Pace()
    is_live = isinstance(operation, AsyncBatch) and console.is_terminal
    with progress_line(is_quiet=is_quiet) as show:
        show(f"{operation.id} PENDING")
        async for state in operation.follow(timeout=seconds, held=LIVE_SECONDS if is_live else HELD_SECONDS):
            if state is None:
                show(f"{operation.id} {UNREACHED}")
            elif (progress := state.progress) is not None:
                show(f"{operation.id} {state.status} {pace.text(progress)}", progress.done / progress.total)
            else:
                show(f"{operation.id} {state.status}")
            if state is not None and state.has_ended:
                return state
    raise AsyncWaitTimeout(operation, seconds)


def failure_lines(failure: ProposalsError) -> list[str]:
    """What to print: what happened, and what to do."""
    lines = str(failure).splitlines()
    if isinstance(failure, ApiError) and failure.what_to_do:
        lines.append(failure.what_to_do)
    is_unknown = isinstance(failure, ServerError) or (isinstance(failure, ServiceUnreachable) and failure.was_sent)
    if is_unknown and (key := getattr(failure, "key", None)):
        lines.append(f"whether it was accepted is not known: try again with --idempotency-key {key}")
    return lines


def _print_accepted(operation: AsyncOperation | AsyncBatch, *, as_json: bool) -> None:
    if as_json:
        accepted = {
            "operation_id": operation.id,
            "correlation_id": operation.correlation_id,
            "idempotency_key": operation.key,
            "is_replay": operation.is_replay,
        }
        typer.echo(json.dumps(accepted))
    else:
        known = "known already" if operation.is_replay else "accepted"
        typer.echo(f"{operation.id} {known} (idempotency key {operation.key})")


async def print_outcome(operation: AsyncOperation | AsyncBatch, state: OperationState, *, seconds: float) -> None:
    """Print what came of an ended operation; `seconds` since it was submitted."""
    if isinstance(operation, AsyncBatch):
        await print_batch(operation, state, seconds=seconds)
    else:
        _print_created(state, seconds=seconds)


def _print_created(state: OperationState, *, seconds: float) -> None:
    fields: dict[str, object] = {"operation id": state.operation_id, "status": state.status}
    if (error := state.error) is not None:
        fields["error"] = f"{error['code']}: {error['message']}"
    if (result := state.document["result"]) is not None:
        version = result["version"]
        fields |= {
            "proposal id": result["proposal"]["proposal_id"],
            "portfolio": result["proposal"]["portfolio_id"],
            "version": version["version_no"],
            "simulation": version["status_at_creation"],
            "next step": (version["gate_decision"] or {}).get("recommended_next_step"),
            "artifact hash": version["artifact_hash"],
        }
    fields |= {
        "correlation id": state.correlation_id,
        "idempotency key": state.key,
        f"submit to {state.status}": f"{seconds * 1000:.0f} ms",
    }
    print_fields("Operation", fields)

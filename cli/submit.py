"""The command `submit`: a file becomes an operation, followed to its end."""

import asyncio
import json
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.api_client import ApiCallError, ApiClient, FollowTimeoutError, Json
from cli.output import fail, print_fields, progress_line

EXIT_FAILED: Final = 1
EXIT_TIMEOUT: Final = 4
UNREACHED: Final = "the service does not answer, trying again"


def submit(
    file: Annotated[Path, typer.Argument(help="A create request, as examples/create_proposal.json.")],
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the operation to its end.")] = False,
    url: Annotated[str, typer.Option(help="Base URL of the API.")] = "http://127.0.0.1:8000",
    token: Annotated[
        str | None, typer.Option(envvar="PROPOSALS_TOKEN", help="Bearer token, where the service asks for one.")
    ] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="Made here, and shown, when absent.")] = None,
    correlation_id: Annotated[str | None, typer.Option(help="Made by the service when absent.")] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to follow the operation.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer's JSON and nothing else.")] = False,
) -> None:
    """Submit a proposal.

    Exits 0 when it was accepted (with --wait: SUCCEEDED), 1 when it was refused, FAILED or the service cannot be
    reached, 4 when it has not ended within --timeout; it then goes on without this command.
    """
    submitting = _submit(
        url,
        file,
        token=token,
        idempotency_key=idempotency_key,
        correlation_id=correlation_id,
        seconds=timeout if wait else None,
        as_json=as_json,
    )
    try:
        exit_code = asyncio.run(submitting)
    except ApiCallError as refusal:
        fail("proposals submit", *refusal.lines)
    except FollowTimeoutError as late:
        fail("proposals submit", f"{late} has not ended within {timeout:g} s; it goes on", exit_code=EXIT_TIMEOUT)
    raise typer.Exit(exit_code)


async def _submit(
    url: str,
    file: Path,
    *,
    token: str | None,
    idempotency_key: str | None,
    correlation_id: str | None,
    seconds: float | None,
    as_json: bool,
) -> int:
    document = _read(file)
    async with ApiClient(url, token=token) as client:
        began = time.monotonic()
        submitted = await client.submit(document, idempotency_key=idempotency_key, correlation_id=correlation_id)
        if seconds is None or not as_json:
            _print_accepted(submitted, as_json=as_json)
        if seconds is None:
            return 0
        status = await follow_to_end(client, submitted["operation_id"], seconds=seconds, is_quiet=as_json)
    if as_json:
        typer.echo(json.dumps(status))
    else:
        print_result(status, seconds=time.monotonic() - began)
    return 0 if status["status"] == "SUCCEEDED" else EXIT_FAILED


async def follow_to_end(client: ApiClient, operation_id: str, *, seconds: float, is_quiet: bool = False) -> Json:
    """The terminal AsyncStatus; shows the status until then. Raises FollowTimeoutError, ApiCallError."""
    ended: Json = {}
    with progress_line(is_quiet=is_quiet) as show:
        show(f"{operation_id} PENDING")
        async for status in client.follow(operation_id, seconds=seconds):
            ended = status or ended
            show(f"{operation_id} {status['status'] if status else UNREACHED}")
    return ended


def _print_accepted(submitted: Json, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(submitted))
    else:
        known = "known already" if submitted["is_replay"] else "accepted"
        typer.echo(f"{submitted['operation_id']} {known} (idempotency key {submitted['idempotency_key']})")


def print_result(status: Json, *, seconds: float) -> None:
    """Print the outcome of an ended operation; `seconds` since it was submitted."""
    fields: dict[str, object] = {"operation id": status["operation_id"], "status": status["status"]}
    if (error := status["error"]) is not None:
        fields["error"] = f"{error['code']}: {error['message']}"
    if (result := status["result"]) is not None:
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
        "correlation id": status["correlation_id"],
        "idempotency key": status["idempotency_key"],
        f"submit to {status['status']}": f"{seconds * 1000:.0f} ms",
    }
    print_fields("Operation", fields)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as failure:
        raise ApiCallError(f"{file}: {failure.strerror}") from None

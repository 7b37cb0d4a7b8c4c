"""The commands `dev` and `demo`: the service on this machine, from nothing."""

import secrets
import sys
import time
from collections.abc import Mapping
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import typer
from proposals_client import AsyncWaitTimeout, OperationState, ProposalsError

from cli.local.children import LocalServerError, output_of
from cli.local.data_directory import DEFAULT_DATA_DIR
from cli.local.environment import env_line
from cli.local.issuer import Issuer
from cli.local.people import ADVISOR
from cli.local.people_tour import Tour
from cli.local.ports import HOST
from cli.local.serving import serve
from cli.local.stack import LocalStack, Ports
from cli.output import fail, print_fields
from cli.service_client import client_of, failure_lines
from cli.settings import settings_or_exit
from cli.submit import follow_to_end, print_outcome, submitted
from domain.callback import host_key, shown_key
from domain.public_links import artifact_path
from runtime.signals import exit_process

SAMPLE: Final = "create_proposal.json"  # a link to the one in examples/, so that a wheel has it, too
BATCH: Final = "analyze.json"  # as are these
ORCHESTRATOR: Final = "orchestrator.py"
SAMPLE_SECONDS: Final = 60.0
EXIT_USAGE: Final = 2

ApiPort = Annotated[int, typer.Option(min=1, max=65535, help="Port of the API.")]
TemporalPort = Annotated[int, typer.Option(min=1, max=65535, help="Port of Temporal.")]
UiPort = Annotated[int, typer.Option(min=1, max=65535, help="Port of Temporal's UI.")]
PostgresPort = Annotated[
    int | None,
    typer.Option(min=1, max=65535, help="Port of PostgreSQL; a free one, kept for the next run, by default."),
]
DataDir = Annotated[Path, typer.Option(help="Where operations survive a restart, and the logs are.")]


def dev(
    api_port: ApiPort = 8000,
    temporal_port: TemporalPort = 7233,
    ui_port: UiPort = 8233,
    postgres_port: PostgresPort = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Run PostgreSQL, Temporal, worker and API on this machine until Ctrl-C.

    Exits 0 when it was stopped by Ctrl-C, SIGTERM or a closed terminal, 1 when a process did not start or crashed, 2 on
    invalid settings.
    """
    settings_or_exit()
    ports = Ports(api=api_port, temporal=temporal_port, ui=ui_port, postgres=postgres_port)
    exit_process(serve(data_dir, ports, command="dev", once_ready=_show_addresses))


def demo(
    api_port: ApiPort = 8000,
    temporal_port: TemporalPort = 7233,
    ui_port: UiPort = 8233,
    postgres_port: PostgresPort = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    *,
    batch: Annotated[
        bool, typer.Option("--batch", help="Submit 20 portfolios in three scenarios in place of a proposal.")
    ] = False,
    people: Annotated[
        bool,
        typer.Option(
            "--people",
            help="Ask for tokens of four people (`proposals token NAME`), and take the proposal through its review.",
        ),
    ] = False,
) -> None:
    """Run everything as `dev` does, submit a sample proposal or batch and follow it to its end.

    Exits as `dev` does, 1 when the sample does not succeed, and 2 for options that exclude each other.
    """
    if batch and people:
        fail("proposals demo", "--batch and --people exclude each other", exit_code=EXIT_USAGE)
    settings_or_exit()
    ports = Ports(api=api_port, temporal=temporal_port, ui=ui_port, postgres=postgres_port)
    if people:
        issuer = Issuer(data_dir.absolute())
        follow = partial(_follow_people, issuer=issuer)
        exit_process(serve(data_dir, ports, command="demo", once_ready=follow, issuer=issuer))
    exit_process(serve(data_dir, ports, command="demo", once_ready=_follow_batch if batch else _follow_proposal))


async def _follow_proposal(stack: LocalStack) -> None:
    state = await _follow_sample(stack, SAMPLE)
    typer.echo(f"\nRunning {ORCHESTRATOR}, which is called back")
    called_back = await _run_orchestrator(stack)
    _print_addresses(stack, _of_proposal(stack, state) | called_back)


async def _follow_people(stack: LocalStack, *, issuer: Issuer) -> None:
    tour = Tour(stack, issuer)
    tour.introduce()
    key = f"people-{secrets.token_hex(4)}"
    with resources.as_file(resources.files("cli.local") / SAMPLE) as sample:
        tour.submission(sample.resolve(), key=key)  # in a checkout a link to the one in examples/
    state = await _follow_sample(stack, SAMPLE, token=issuer.token(ADVISOR), key=key)
    await tour.review(state)
    await tour.alteration(state.document["result"]["proposal"]["proposal_id"])
    _print_addresses(stack, _of_proposal(stack, state) | {"token for the API docs": f"proposals token {ADVISOR.name}"})


def _of_proposal(stack: LocalStack, state: OperationState) -> dict[str, str]:
    links = state.document["links"]
    artifact = artifact_path(state.document["proposal_id"], state.document["version_no"])
    return {
        "operation": f"{stack.api_url}{links['self']}",
        "proposal": f"{stack.api_url}{links['proposal']}",
        "its artifact, a page in a browser": f"{stack.api_url}{artifact}",
        "its workflow": links["temporal_ui"],
    }


async def _follow_batch(stack: LocalStack) -> None:
    state = await _follow_sample(stack, BATCH)
    links = state.document["links"]
    _print_addresses(
        stack,
        {
            "operation, a page in a browser": f"{stack.api_url}{links['self']}",
            "its runs": f"{stack.api_url}{links['runs']}",
            "runs that failed": f"{stack.api_url}{links['runs']}?status=FAILED",
            "a run with its result": f"{stack.api_url}{links['runs']}/0",
            "its workflow": links["temporal_ui"],
            "all runs as a file": f"proposals batch export {state.operation_id} -o runs.ndjson",
        },
    )


async def _follow_sample(
    stack: LocalStack, name: str, *, token: str | None = None, key: str | None = None
) -> OperationState:
    document = (resources.files("cli.local") / name).read_bytes()
    typer.echo(f"\nSubmitting {name}")
    try:
        async with client_of(stack.api_url, token=token) as desk:
            began = time.monotonic()
            operation = await submitted(desk, document, key=key)
            state = await follow_to_end(operation, seconds=SAMPLE_SECONDS)
            await print_outcome(operation, state, seconds=time.monotonic() - began)
    except AsyncWaitTimeout:
        raise LocalServerError(f"the sample did not end within {SAMPLE_SECONDS:.0f} s") from None
    except ProposalsError as failure:
        raise LocalServerError("the sample was refused", log_lines=failure_lines(failure)) from None
    if state.status != "SUCCEEDED":
        raise LocalServerError("the sample failed")
    return state


async def _run_orchestrator(stack: LocalStack) -> dict[str, str]:
    """The addresses to show; none where the environment allows no callback to this machine."""
    rules = stack.callback_rules
    if not rules.secrets or HOST not in rules.allowed_hosts:
        typer.echo(f"left out: PROPOSAL_CALLBACK_ALLOWED_HOSTS does not name {HOST}")
        return {}
    keys = " ".join(shown_key(host_key(secret, HOST)) for secret in rules.secrets)
    with resources.as_file(resources.files("cli.local") / ORCHESTRATOR) as script:
        command = (sys.executable, "-I", script, "--url", stack.api_url, "--timeout", f"{SAMPLE_SECONDS:.0f}")
        code, lines = await output_of(command, given=keys.encode())
    if code != 0:
        raise LocalServerError("the callback did not come", log_lines=lines)
    for line in lines:
        typer.echo(line)
    operation_id = lines[0].split()[1].rstrip(",")
    return {"its callback": f"{stack.api_url}/rebalance/proposals/operations/{operation_id}/callbacks"}


async def _show_addresses(stack: LocalStack) -> None:
    _print_addresses(stack, {})


def _print_addresses(stack: LocalStack, of_sample: Mapping[str, str]) -> None:
    addresses = {
        "API docs": f"{stack.api_url}/docs",
        "Temporal UI": stack.ui_url,
        **of_sample,
        "commands in another shell": f"after `{env_line(stack.data_dir)}`",
        "logs": str(stack.logs),
    }
    print_fields("Serving until Ctrl-C", addresses)

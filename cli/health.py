"""The commands `health ...`: health checks that a container runs beside its API or worker."""

import asyncio
import socket
from typing import Final

import typer

from cli.command_group import CommandGroup
from cli.probe import is_well
from cli.settings import settings_or_exit
from runtime.signals import exit_process

TIME_LIMIT_SECONDS: Final = 4.0  # and up to two to start: health checks get ten
THIS_HOST: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- what it listens on, answered from here

commands = CommandGroup(
    no_args_is_help=True,
    help="Health checks for containers: exit code 0 if the process on this host works, else 1.",
)


@commands.command()
def api() -> None:
    """Check that the API on this host responds. Its dependencies do not count: a restart would not bring them back."""
    settings = settings_or_exit(secrets=())
    host = THIS_HOST.get(settings.api_host, settings.api_host)
    responds = is_well(host, settings.api_port, "/health/live", seconds=TIME_LIMIT_SECONDS)
    typer.echo(f"proposals health api: {'answers' if responds else 'does not answer'}", err=not responds)
    raise typer.Exit(0 if responds else 1)


@commands.command()
def worker() -> None:
    """Check that a worker on this host polls Temporal. It passes while Temporal is down, for which the worker waits."""
    settings_or_exit(secrets=())
    exit_process(asyncio.run(_worker()))


async def _worker() -> int:
    # `health api` runs every few seconds, and loading the SDK is half of its CPU.
    from runtime.temporal import WORKER_IDENTITY, connect  # noqa: PLC0415 -- only `health worker` needs the SDK
    from services.readiness import polling_workers  # noqa: PLC0415 -- only `health worker` needs the SDK

    client = await connect(lazy=True, identity="proposals-health")
    polling = await polling_workers(client, seconds=TIME_LIMIT_SECONDS)
    if polling is None:
        typer.echo("proposals health worker: Temporal cannot be reached, the worker waits for it")
        return 0
    here = [
        name for name in polling if name.startswith(f"{WORKER_IDENTITY}-") and name.endswith(f"@{socket.gethostname()}")
    ]
    typer.echo(f"proposals health worker: {'polls' if here else 'does not poll'}", err=not here)
    return 0 if here else 1

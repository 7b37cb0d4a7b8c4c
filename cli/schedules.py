"""The commands `schedules ...`: the search attributes and schedules that Temporal needs."""

import asyncio
from datetime import timedelta
from typing import Final

import typer
from temporalio.service import RPCError

from cli.command_group import CommandGroup
from cli.settings import settings_or_exit
from runtime.guard_rails import OF_SCHEDULES
from runtime.settings_loading import is_given
from runtime.signals import exit_process
from runtime.temporal import connect, register_search_attributes, temporal_problem
from workflows.identity import SEARCH_ATTRIBUTES
from workflows.schedules import apply_schedules

TIME_LIMIT: Final = timedelta(seconds=30)
SECRETS: Final = ()

commands = CommandGroup(no_args_is_help=True, help="Search attributes and schedules in Temporal.")


@commands.command()
def apply() -> None:
    """Register missing search attributes, and create or update every schedule; applying twice is harmless."""
    settings_or_exit(OF_SCHEDULES, secrets=SECRETS)
    exit_process(asyncio.run(_apply(checkpoints=is_given("evidence_key"))))  # workers alone have the file


async def _apply(*, checkpoints: bool) -> int:
    try:
        async with asyncio.timeout(TIME_LIMIT.total_seconds()):
            client = await connect(lazy=False, identity="proposals-schedules")
            registered = await register_search_attributes(client, SEARCH_ATTRIBUTES)
            applied = await apply_schedules(client, checkpoints=checkpoints)
    except (RPCError, RuntimeError, TimeoutError) as failure:
        typer.echo(f"proposals schedules apply: {temporal_problem(failure)}", err=True)
        return 1
    typer.echo(f"search attributes registered: {', '.join(registered) or 'all were there'}")
    typer.echo(f"schedules applied: {', '.join(applied)}")
    return 0

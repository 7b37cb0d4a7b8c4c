"""The command `worker`: a process that a signal ends."""

import asyncio

from cli.settings import settings_or_exit
from runtime.settings import Settings
from runtime.signals import exit_process, stop_on_signals
from runtime.telemetry import configure_logging
from worker import process as worker_process


def worker() -> None:
    """Run workflows and activities until SIGTERM or Ctrl-C."""
    settings = settings_or_exit()
    configure_logging(level=settings.log_level, format=settings.log_format)
    asyncio.run(_work(settings))
    exit_process(0)


async def _work(settings: Settings) -> None:
    async with stop_on_signals() as stop:
        await worker_process.run(settings, stop=stop)

"""The command `worker`: a process that a signal ends."""

import asyncio
from contextlib import ExitStack
from typing import Final

import structlog

from cli.settings import settings_or_exit
from runtime.guard_rails import OF_WORKER
from runtime.metrics import ProcessMetrics
from runtime.sdk_metrics import SdkMetrics
from runtime.settings import Settings
from runtime.signals import exit_process, stop_on_signals
from runtime.telemetry import configure_logging
from runtime.tracing import tracing
from worker import process as worker_process

SECRETS: Final = ("database_url", "callback_secrets", "egress_proxy", "evidence_key")

log = structlog.get_logger(__name__)


def worker() -> None:
    """Run workflows and activities until SIGTERM or Ctrl-C."""
    settings = settings_or_exit(OF_WORKER, secrets=SECRETS)
    configure_logging(level=settings.log_level, format=settings.log_format)
    with tracing("proposals-worker"):
        code = asyncio.run(_work(settings))
    exit_process(code)


async def _work(settings: Settings) -> int:
    host, port = settings.worker_metrics_host, settings.worker_metrics_port
    metrics = ProcessMetrics(None if port is None else SdkMetrics())
    with ExitStack() as stack:
        try:
            stack.enter_context(metrics.served(host=host, port=port))
        except OSError as failure:
            # A taken port is no bug: one line says it all.
            log.error("worker_metrics_cannot_listen", port=port, reason=failure.strerror)  # noqa: TRY400 -- as above
            return 1
        async with stop_on_signals() as stop:
            await worker_process.run(settings, stop=stop, process_metrics=metrics)
    return 0

"""The command `api`: a process that a signal ends."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
import uvicorn

from api.app import create_app
from cli.http_protocol import LimitingProtocol
from cli.settings import settings_or_exit
from runtime.guard_rails import OF_API
from runtime.metrics import ProcessMetrics
from runtime.sdk_metrics import SdkMetrics
from runtime.settings import Settings
from runtime.signals import exit_process, stop_on_signals
from runtime.telemetry import configure_logging
from runtime.tracing import tracing

KEEP_ALIVE_SECONDS = 65  # longer than the usual load balancer's, so that it never writes into a closing connection
BACKLOG = 2048
UNACKNOWLEDGED_MILLISECONDS = 30_000  # for as long a client may leave an answer unread, however small
SECRETS: Final = ("database_url", "callback_secrets", "egress_proxy")

log = structlog.get_logger(__name__)


def api() -> None:
    """Serve the HTTP API until SIGTERM or Ctrl-C."""
    settings = settings_or_exit(OF_API, secrets=SECRETS)
    configure_logging(level=settings.log_level, format=settings.log_format)
    with tracing("proposals-api"):
        code = asyncio.run(_serve(settings))
    exit_process(code)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: API and worker stop alike (runtime/signals.py)."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError when the port is taken.

    It names its protocol: asyncio turns Nagle's algorithm off only for sockets that do, and 40 ms an answer are lost.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted sockets inherit it
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MILLISECONDS)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


async def _serve(settings: Settings) -> int:
    try:
        listening = _listen(settings.api_host, settings.api_port)
    except OSError as failure:
        log.error(  # noqa: TRY400 -- a taken port is no bug: one line says it all
            "api_cannot_listen", host=settings.api_host, port=settings.api_port, reason=failure.strerror
        )
        return 1
    app = create_app(settings, ProcessMetrics(SdkMetrics()))
    server = _Server(
        uvicorn.Config(
            app,
            http=LimitingProtocol,
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nothing reads the client's address or scheme
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=settings.shutdown_grace_seconds,
            lifespan="on",
        )
    )
    async with stop_on_signals() as stop:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        app.state.listener.release()  # else long polls would keep the process for the whole grace
        server.should_exit = True
        await serving
    return 0 if server.started else 1

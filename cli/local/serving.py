"""From the start of the local servers to their end: a signal, a failure, or a server that stops."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import typer

from cli.local.children import LocalServerError
from cli.local.data_directory import DataDirectory
from cli.local.issuer import Issuer
from cli.local.stack import WATCH_SECONDS, LocalStack, Ports
from runtime.signals import stop_on_signals

EXIT_STOPPED: Final = 0  # Ctrl-C is the way to end it
EXIT_FAILED: Final = 1


def serve(
    data_dir: Path,
    ports: Ports,
    *,
    command: str,
    once_ready: Callable[[LocalStack], Awaitable[None]],
    issuer: Issuer | None = None,
) -> int:
    """Start everything, do `once_ready`, serve until a signal, stop everything; returns the exit code."""
    try:
        with DataDirectory(data_dir).claimed() as data:
            try:
                stack = LocalStack(data, ports, say=typer.echo, issuer=issuer)
            except OSError as failure:  # it writes its keys and ports, and the disk may be full
                raise LocalServerError(f"{data.root} cannot be used: {failure.strerror}") from None
            return asyncio.run(_serve(stack, command=command, once_ready=once_ready))
    except LocalServerError as error:
        _print_failure(command, error)
        return EXIT_FAILED


async def _serve(stack: LocalStack, *, command: str, once_ready: Callable[[LocalStack], Awaitable[None]]) -> int:
    async with stop_on_signals() as stop:
        tasks = [
            asyncio.create_task(stop.wait(), name="signal"),
            asyncio.create_task(stack.watch(), name="watch"),
            asyncio.create_task(_start(stack, once_ready), name="start"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:  # the servers' end before the start's: after a pause of the machine both have ended
                if task in done:
                    task.result()
        except LocalServerError as error:
            _print_failure(command, error)
            return EXIT_FAILED
        except OSError as failure:  # a full disk, or a reader of the output that has left, as `head` does
            _print_failure(command, LocalServerError(f"it cannot go on: {failure.strerror}"))
            return EXIT_FAILED
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            _print_if_heard("\nstopping ...")
            await asyncio.to_thread(stack.stop)  # so that signals are still heard
            _print_if_heard(f"stopped; data and logs stay in {stack.logs.parent}")
        return EXIT_STOPPED


async def _start(stack: LocalStack, once_ready: Callable[[LocalStack], Awaitable[None]]) -> None:
    try:
        await stack.start()
        await once_ready(stack)
    except (LocalServerError, OSError):
        await asyncio.sleep(2 * WATCH_SECONDS)  # when a server has ended, which explains it, `watch` is first to say so
        raise
    await asyncio.Event().wait()


def _print_failure(command: str, error: LocalServerError) -> None:
    _print_if_heard("\n".join([f"proposals {command}: {error}", *(f"    {line}" for line in error.log_lines)]))


def _print_if_heard(text: str) -> None:
    """On stderr, unless its terminal is closed or its reader has left: the servers are stopped all the same."""
    with suppress(OSError):
        typer.echo(text, err=True)

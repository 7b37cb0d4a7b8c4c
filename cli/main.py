"""The command `proposals`."""

import gc
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module, metadata
from typing import Annotated, Final

import typer

from cli.command_group import CommandGroup

COMMANDS: Final = {
    "demo": "cli.local.commands:demo",
    "dev": "cli.local.commands:dev",
    "env": "cli.local.environment:env",
    "token": "cli.local.tokens:token",
    "api": "cli.api:api",
    "worker": "cli.worker:worker",
    "migrate": "cli.migrate:migrate",
    "schedules": "cli.schedules:commands",
    "health": "cli.health:commands",
    "submit": "cli.submit:submit",
    "batch": "cli.batch:commands",
    "operation": "cli.operation:operation",
    "views": "cli.views:views",
    "audit": "cli.audit:commands",
    "callback-secret": "cli.callback_secret:callback_secret",
    "callback-test": "cli.callback_sample:callback_test",
    "config": "cli.config:commands",
    "openapi": "cli.openapi:openapi",
    "errors": "cli.errors:commands",
    "cli": "cli.command_line:commands",
}
OWN_OPTIONS: Final = ("--version", "--show-completion", "--install-completion")


def _print_version(context: typer.Context, is_asked: bool) -> None:  # noqa: FBT001 -- as typer calls it
    if is_asked and not context.resilient_parsing:  # a shell that completes the line would offer what is printed
        from domain.engine.codes import ENGINE_VERSION  # noqa: PLC0415 -- no other command needs it here

        typer.echo(f"proposals {metadata.version('proposals')}, engine {ENGINE_VERSION}")
        raise typer.Exit


def application(names: Iterable[str]) -> typer.Typer:
    """The command with these of its commands."""
    app = CommandGroup(no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback(help="Run the proposals service, submit to it and inspect it.")(_group)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def main() -> None:
    # What an import makes stays until the process ends, so the collector looks for no garbage in it: not meanwhile (a
    # fifth of the time to start), and not in each of its later rounds.
    gc.disable()
    interrupted = signal.getsignal(signal.SIGINT)
    if interrupted is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C in the middle of an import is no traceback
    app = _application_for(sys.argv[1:])
    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGINT, interrupted)
    app()


def _application_for(arguments: Sequence[str]) -> typer.Typer:
    """The application with the command that is meant alone: importing all of them takes more than a second."""
    is_completing = "_PROPOSALS_COMPLETE" in os.environ
    first = next(iter(_typed_words() if is_completing else arguments), "")
    if first in COMMANDS:
        return application([first])
    is_asking_for_help = first not in OWN_OPTIONS and (not first or first.startswith("-"))
    if is_asking_for_help and not is_completing:
        return application(COMMANDS)
    app = application(())
    for name in COMMANDS:  # their names are all that a shell asks for, or that a word that is none is compared with
        app.command(name)(lambda: None)
    return app


def _typed_words() -> list[str]:
    """The words behind `proposals` on the line that a shell completes: bash passes them one way, others another."""
    return (os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")).split()[1:]


def _group(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the versions of this release and of its engine.", callback=_print_version
        ),
    ] = False,
) -> None:
    pass


if __name__ == "__main__":
    main()

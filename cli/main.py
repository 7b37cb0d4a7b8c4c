"""The command `proposals`."""

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Final

import typer

COMMANDS: Final = {
    "demo": "cli.local.commands:demo",
    "dev": "cli.local.commands:dev",
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
    "config": "cli.config:commands",
    "openapi": "cli.openapi:openapi",
    "errors": "cli.errors:commands",
}


def application(names: Iterable[str]) -> typer.Typer:
    """The command with these of its commands."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback(help="Durable advisory portfolio proposals: run the service, submit to it, look into it.")(
        lambda: None
    )
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def main() -> None:
    # Only the command that is meant is imported: all of them together take more than a second.
    meant = [name for name in sys.argv[1:2] if name in COMMANDS]
    application(meant or COMMANDS)()


if __name__ == "__main__":
    main()

"""The commands `config ...`: which settings are in force, and the page that lists them."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from cli.command_group import CommandGroup
from cli.configuration_page import reference_page
from cli.output import print_fields
from cli.settings import exit_with, refused, settings_or_exit
from runtime.guard_rails import OF_API, TEMPORAL_REFUSED
from runtime.secret_file import FILE_SUFFIX
from runtime.settings import Settings, variable_name
from runtime.settings_loading import OF_WORKER_CONTROLLER
from runtime.shown_url import MASK, shown_url
from runtime.temporal_profile import DEFAULT_ADDRESS, DEFAULT_NAMESPACE, api_key_problem, load_profile, uses_tls

Rows = dict[str, dict[str, Any]]

commands = CommandGroup(no_args_is_help=True, help="Settings.")


@commands.command()
def check(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print every setting in force and where it comes from, secrets masked. Exits 2 when one is wrong or missing."""
    settings = settings_or_exit()
    shown = _settings(settings) | _temporal()
    if as_json:
        typer.echo(json.dumps(shown, indent=2, default=str))  # paths
    else:
        print_fields("Settings", {name: f"{row['value']} ({row['source']})" for name, row in shown.items()})
    if lines := refused(settings, OF_API):
        exit_with(lines)


@commands.command()
def docs(path: Annotated[Path, typer.Argument(help="Where to write the page.")]) -> None:
    """Write docs/reference/configuration.md from the settings themselves."""
    path.write_text(reference_page())
    typer.echo(f"wrote {path}")


def _settings(settings: Settings) -> Rows:
    shown: Rows = {}
    for field in Settings.model_fields:
        value = getattr(settings, field)
        name = variable_name(field)
        shown[name] = {
            "value": _shown(value),
            "source": _source_of(name),
        }
    return shown


def _source_of(name: str) -> str:
    if os.environ.get(name) or any(
        variable_name(field) == name and os.environ.get(given) for given, field in OF_WORKER_CONTROLLER.items()
    ):
        return "environment"
    return "file" if os.environ.get(f"{name}{FILE_SUFFIX}") else "default"


def _shown(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return MASK
    return shown_url(value) if isinstance(value, str) and "://" in value else value


def _temporal() -> Rows:
    try:
        profile = load_profile()
    except RuntimeError:  # its text may quote the file, key included
        exit_with([api_key_problem() or TEMPORAL_REFUSED])
    return {
        "TEMPORAL_ADDRESS": _row(
            "TEMPORAL_ADDRESS", profile.address and shown_url(profile.address), default=DEFAULT_ADDRESS
        ),
        "TEMPORAL_NAMESPACE": _row("TEMPORAL_NAMESPACE", profile.namespace, default=DEFAULT_NAMESPACE),
        "TEMPORAL_API_KEY": _row("TEMPORAL_API_KEY", profile.api_key and MASK, default=None),
        "TEMPORAL_TLS": {"value": uses_tls(profile), "source": _source("TEMPORAL_TLS") if profile.tls else "default"},
    }


def _row(name: str, value: str | None, *, default: str | None) -> dict[str, str | None]:
    if not value:
        return {"value": default, "source": "default"}
    return {"value": value, "source": _source(name)}


def _source(name: str) -> str:
    """Of a value that is not the default; a variable's name may go on, as TEMPORAL_TLS_SERVER_NAME does."""
    given = (given for given, value in os.environ.items() if value and given.startswith(name))
    return "environment" if any(not variable.endswith(FILE_SUFFIX) for variable in given) else "file"

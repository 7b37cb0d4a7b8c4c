"""Settings for commands: read once, or one clear line for each thing that is wrong."""

from collections.abc import Collection, Sequence
from typing import NoReturn

import typer

from runtime.guard_rails import Concern, refusals
from runtime.settings import Settings
from runtime.settings_loading import SECRETS, SettingsError, load_settings
from runtime.temporal_profile import load_profile

EXIT_INVALID_SETTINGS = 2


def settings_or_exit(concerns: frozenset[Concern] = frozenset(), *, secrets: Collection[str] = SECRETS) -> Settings:
    """The settings of the environment; prints what is wrong with them, or missing for these concerns, and exits 2.

    `secrets` are those that the command uses: it does not look at the files of others.
    """
    try:
        settings = load_settings(secrets=secrets)
    except SettingsError as error:
        exit_with(error.lines)
    if lines := refused(settings, concerns):
        exit_with(lines)
    return settings


def refused(settings: Settings, concerns: frozenset[Concern]) -> list[str]:
    """A line for each setting that the profile requires and that is missing, Temporal's variables included."""
    return refusals(settings, concerns, load_temporal=load_profile)


def exit_with(lines: Sequence[str]) -> NoReturn:
    for line in lines:
        typer.echo(f"proposals: {line}", err=True)
    raise typer.Exit(EXIT_INVALID_SETTINGS) from None

"""Settings for commands: read once, or one clear line for each thing that is wrong."""

import typer

from runtime.settings import Settings, SettingsError, load_settings

EXIT_INVALID_SETTINGS = 2


def settings_or_exit() -> Settings:
    """The settings of the environment; prints what is wrong with them and exits 2."""
    try:
        return load_settings()
    except SettingsError as error:
        for line in error.lines:
            typer.echo(f"proposals: {line}", err=True)
        raise typer.Exit(EXIT_INVALID_SETTINGS) from None

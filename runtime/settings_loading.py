"""Settings from the environment, or from the files that it names, with all that is wrong with them."""

import difflib
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import SecretStr, ValidationError

from runtime.secret_file import FILE_SUFFIX, SecretFileRefused, secret_in
from runtime.settings import PREFIX, Settings, variable_name


class SettingsError(Exception):
    """Everything that is wrong with the environment, a line each: variable and reason, never a value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def _holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_holds_secret(part) for part in get_args(annotation))


# Temporal's Worker Controller sets these for the workers that it starts.
OF_WORKER_CONTROLLER: Final = {
    "TEMPORAL_WORKER_BUILD_ID": "worker_build_id",
    "TEMPORAL_DEPLOYMENT_NAME": "worker_deployment_name",
}
# Orchestrators mount these as files: each may come from one that a variable of its own names.
SECRETS: Final = tuple(name for name, field in Settings.model_fields.items() if _holds_secret(field.annotation))


def load_settings(environ: Mapping[str, str] = os.environ, *, secrets: Collection[str] = SECRETS) -> Settings:
    """The settings that the environment asks for. Raises SettingsError with all that is wrong.

    A file is read for these `secrets` alone: processes share their variables, but not every mounted file. Another
    secret that comes from a file has its default.
    """
    known = {variable_name(field): field for field in Settings.model_fields}
    known |= {f"{variable_name(field)}{FILE_SUFFIX}": field for field in SECRETS}
    known |= OF_WORKER_CONTROLLER
    given = {
        name: value
        for name, value in environ.items()
        if (name.startswith(PREFIX) or name in OF_WORKER_CONTROLLER) and value  # compose passes ""
    }
    problems = [_unknown(name) for name in sorted(given) if name not in known]
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, field in known.items():
        if name not in given:
            continue
        if field in origins:
            problems.append(f"{name}: give it or {origins[field]}, not both")
            continue
        origins[field] = name
        is_file = name.endswith(FILE_SUFFIX) and field in SECRETS
        if is_file and field not in secrets:
            continue
        try:
            values[field] = secret_in(Path(given[name])) if is_file else given[name]
        except SecretFileRefused as refused:
            problems.append(f"{name}: {refused}")
    try:
        settings = Settings(**values)
    except ValidationError as error:
        problems += [
            f"{origins.get(field := str(item['loc'][0]), variable_name(field))}: {_reason(item['msg'])}"
            for item in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def is_given(field: str) -> bool:
    """Whether the environment has a secret or names its file, which this process may be unable to read."""
    name = variable_name(field)
    return bool(os.environ.get(name) or os.environ.get(f"{name}{FILE_SUFFIX}"))


def _reason(message: str) -> str:
    return message.replace("Input should be", "must be").partition(", unable to")[0]


def _unknown(name: str) -> str:
    # Without the prefix, which would make every name alike.
    nearest = difflib.get_close_matches(name.removeprefix(PREFIX).lower(), Settings.model_fields, n=1)
    return f"{name}: no such setting" + (f", did you mean {variable_name(nearest[0])}?" if nearest else "")

"""docs/reference/configuration.md, written from the settings' own descriptions."""

import inspect
import re
from typing import Any, Final, get_args

from annotated_types import Ge, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from temporalio.envconfig import ClientConfigProfile

from cli.setting_readers import readers
from runtime import settings
from runtime.guard_rails import OF_API, refusals
from runtime.settings import Settings, variable_name
from runtime.settings_loading import SECRETS

HEAD: Final = """# Configuration

Every process reads its settings once, from environment variables. `proposals config check` prints those in force, with
`***` for secrets and for user information, query and fragment of URLs. A command that finds something wrong names all
of it and exits with 2. An unknown `PROPOSAL_*` variable is refused with the nearest name, so that a typing error does
not pass for a default. An empty value means the default.

A secret can also come from a file, as orchestrators mount them: `PROPOSAL_DATABASE_URL_FILE`,
`PROPOSAL_OWNER_DATABASE_URL_FILE`, `PROPOSAL_CALLBACK_SECRETS_FILE`, `PROPOSAL_EGRESS_PROXY_FILE` and
`PROPOSAL_EVIDENCE_KEY_FILE` name files that hold the value alone. The variable and its file exclude each other. A file
is a regular file or a link to one: a FIFO, so also `<(...)` of a shell, is refused.
A command reads the files of the secrets that it uses, so processes that share their variables need not share all files;
`proposals config check` reads them all.

The address, namespace, API key and TLS of Temporal are the variables of its own SDK: `TEMPORAL_ADDRESS` (default
`127.0.0.1:7233`), `TEMPORAL_NAMESPACE` (default `default`), `TEMPORAL_API_KEY`, `TEMPORAL_TLS...`, or a profile in the
file that `TEMPORAL_CONFIG_FILE` names. `TEMPORAL_API_KEY_FILE` is this service's own: the file holds the API key alone.

In the tables, *required* marks what a process of `PROPOSAL_PROFILE=PRODUCTION` does not start without, *secret* what is
shown as `***` and may come from a file. *Read by* names the processes that use a setting; *commands* are those of
operators, such as `proposals operation`.

This page is generated from `runtime/settings.py` and the code that reads it, by `make generated`.
"""
HEADING: Final = re.compile(r"^    # (.+)$")
FIELD: Final = re.compile(r"^    (\w+): ")


def reference_page() -> str:
    """The page's Markdown: a table for each comment heading of the settings' class."""
    lines = [HEAD]
    read_by, required = readers(), required_in_production()
    for line in inspect.getsource(settings.Settings).splitlines():
        if heading := HEADING.match(line):
            lines += [
                f"\n## {heading.group(1)}\n",
                "| variable | what | default | read by | |",
                "|---|---|---|---|---|",
            ]
        elif (field := FIELD.match(line)) and field.group(1) in Settings.model_fields:
            name = field.group(1)
            marks = [mark for mark, names in (("required", required), ("secret", SECRETS)) if name in names]
            cells = f"{', '.join(read_by[name])} | {', '.join(marks)}"
            lines.append(_row(name, Settings.model_fields[name], cells=cells))
    return "\n".join(lines) + "\n"


def required_in_production() -> set[str]:
    """The fields without which an API of the profile PRODUCTION, with or without tokens, does not start."""
    bare = (Settings(profile="PRODUCTION"), Settings(profile="PRODUCTION", auth_mode="jwt"))
    lines = [line for given in bare for line in refusals(given, OF_API, load_temporal=ClientConfigProfile)]
    variables = {line.partition(":")[0] for line in lines}
    return {name for name in Settings.model_fields if variable_name(name) in variables}


def _row(name: str, field: FieldInfo, *, cells: str) -> str:
    default = field.default
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    shown = (
        "none"
        if default is None or default == ()
        else f"`{','.join(default)}`"
        if isinstance(default, tuple)
        else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    )
    return f"| `{variable_name(name)}` | {field.description}{_bounds(field)} | {shown} | {cells} |"


def _bounds(field: FieldInfo) -> str:
    low: Any = next((limit.ge for limit in field.metadata if isinstance(limit, Ge)), None)
    high: Any = next((limit.le for limit in field.metadata if isinstance(limit, Le)), None)
    if low is not None and high is not None:
        return f" {low} to {high}."
    choices = get_args(field.annotation)
    if choices and all(isinstance(choice, str) for choice in choices):
        return f" One of {', '.join(f'`{choice}`' for choice in choices)}."
    return ""

"""Which processes read each setting, as their code says it: for the page that lists the settings."""

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from runtime.settings import Settings

ROOT: Final = Path(__file__).parents[1]
PROCESSES: Final = {
    "API": ("api", "cli/api.py"),
    "worker": ("worker", "cli/worker.py"),
    "migrate": ("cli/migrate.py",),
    "commands": ("cli",),  # all that the lines above leave
}
# What properties of the settings read, and what only the checks before a start read.
MADE_OF: Final = {
    "policy": (
        "require_simulation_flag",
        "store_evidence_bundle",
        "allow_portfolio_change_on_new_version",
        "strict_version_binding",
    ),
    "callback_rules": ("callback_secrets", "callback_allowed_hosts", "public_url"),
    "signing_key": ("evidence_key",),
    "proxy": ("egress_proxy",),
}
ONE_OF: Final = MADE_OF | {"callback_rules": ("callback_secrets",)}  # a command that takes one thing alone
GUARDS: Final = {
    "profile": ("API", "worker", "migrate", "schedules"),
    "database_insecure": ("API", "worker", "migrate"),
    "temporal_insecure": ("API", "worker", "schedules"),
}


def readers() -> dict[str, tuple[str, ...]]:
    """By field, the processes that read it."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(Settings.model_fields, ())
    seen: set[Path] = set()
    for process, places in PROCESSES.items():
        files = {file for place in places for file in _files(ROOT / place)} - seen
        seen |= files
        for field in _read_in(files):
            found[field] += (process,)
    return found | GUARDS


def _files(place: Path) -> Iterable[Path]:
    # `dev` and `demo` set what they need themselves.
    return [place] if place.is_file() else (file for file in place.rglob("*.py") if file.parent.name != "local")


def _read_in(files: Iterable[Path]) -> set[str]:
    read: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and _is_settings(node.value):
                made_of = ONE_OF if isinstance(node.value, ast.Call) else MADE_OF
                read |= set(made_of.get(node.attr, (node.attr,)))
    return read & set(Settings.model_fields)


def _is_settings(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id == "settings_or_exit"
    name = value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""
    return name == "settings"

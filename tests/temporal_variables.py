"""Which TEMPORAL_* variables a process reads: Temporal's SDK is asked, so that no list of them can be incomplete."""

import re
from collections.abc import Mapping
from pathlib import Path

from temporalio.envconfig import ClientConfigProfile

from runtime.settings_loading import OF_WORKER_CONTROLLER
from runtime.temporal_profile import API_KEY_FILE

OF_SERVICE = {API_KEY_FILE, *OF_WORKER_CONTROLLER}


def unread(environ: Mapping[str, str]) -> set[str]:
    """The TEMPORAL_* variables among these that nothing reads."""
    temporal = {name: value for name, value in environ.items() if name.startswith("TEMPORAL_")}
    return {name for name, value in temporal.items() if name not in OF_SERVICE and not _is_of_sdk(name, value)}


def _is_of_sdk(name: str, value: str) -> bool:
    def profile(environ: dict[str, str]) -> ClientConfigProfile:
        return ClientConfigProfile.load(override_env_vars=environ, disable_file=True)

    try:
        return profile({name: value}) != profile({})
    except RuntimeError:  # it refuses the value, so it reads the variable
        return True


def offered_by(file: Path) -> dict[str, str]:
    """The variables of an environment file, those that stand in it as comments included."""
    return dict(re.findall(r"^(?:# )?([A-Z_]+)=(\S*)$", file.read_text(), re.MULTILINE))


def settings_offered_by(file: Path) -> dict[str, str]:
    """The service's own variables of an environment file, without those of files, of which none is mounted here."""
    offered = offered_by(file).items()
    return {name: value for name, value in offered if name.startswith("PROPOSAL_") and not name.endswith("_FILE")}

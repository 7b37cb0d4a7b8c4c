"""Where Temporal is and what it is shown: the variables of Temporal's SDK, and a file for its API key."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime.secret_file import FILE_SUFFIX, SecretFileRefused, secret_in

if TYPE_CHECKING:
    from temporalio.envconfig import ClientConfigProfile

DEFAULT_ADDRESS: Final = "127.0.0.1:7233"  # of the SDK
DEFAULT_NAMESPACE: Final = "default"  # of the SDK
API_KEY: Final = "TEMPORAL_API_KEY"
API_KEY_FILE: Final = f"{API_KEY}{FILE_SUFFIX}"
API_KEY_TEXT: Final = re.compile(r"[\x21-\x7e]+")  # it goes into a header, where the SDK drops any other


def load_profile(environ: Mapping[str, str] = os.environ) -> "ClientConfigProfile":
    """Address, namespace, API key and TLS of the TEMPORAL_* variables, or of the file of TEMPORAL_CONFIG_FILE.

    The SDK has a file for every part of TLS, but none for the API key. Raises RuntimeError, whose text may quote the
    SDK's file, key included.
    """
    from temporalio.envconfig import ClientConfigProfile  # noqa: PLC0415 -- costs commands without Temporal 0.15 s

    if not environ.get(API_KEY_FILE):
        return ClientConfigProfile.load(override_env_vars=dict(environ))
    return ClientConfigProfile.load(override_env_vars={**environ, API_KEY: secret_in(Path(environ[API_KEY_FILE]))})


def api_key_problem() -> str | None:
    """What is wrong with the API key or its file: variable and reason."""
    path, key = os.environ.get(API_KEY_FILE), os.environ.get(API_KEY)
    if path and key:
        return f"{API_KEY_FILE}: give it or {API_KEY}, not both"
    try:
        key = secret_in(Path(path)) if path else key
    except SecretFileRefused as refused:
        return f"{API_KEY_FILE}: {refused}"
    if key and not API_KEY_TEXT.fullmatch(key):
        return f"{API_KEY_FILE if path else API_KEY}: an API key is one word of printable ASCII characters"
    return None


def uses_tls(profile: "ClientConfigProfile") -> bool:
    """Whether a client of this profile talks to Temporal by TLS; an API key turns it on."""
    if profile.tls is None:
        return profile.api_key is not None
    return profile.tls.disabled is not True

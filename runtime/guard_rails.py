"""Start-up checks: refuse an unsafe configuration, and name everything that is missing at once."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from runtime.addresses import is_loopback
from runtime.database_encryption import DatabaseUrlInvalid, is_encrypted_or_local, tls_files
from runtime.secret_file import open_regular
from runtime.settings import Settings, variable_name
from runtime.temporal_profile import api_key_problem, uses_tls

if TYPE_CHECKING:  # it costs commands that need no Temporal 0.15 s to load the SDK
    from temporalio.envconfig import ClientConfigProfile

TEMPORAL_REFUSED: Final = "TEMPORAL_*: the SDK refuses the variables or the file of TEMPORAL_CONFIG_FILE"
DEFAULT_DATABASE: Final = Settings().database_url


class Concern(Enum):
    """A dependency of a command, whose settings are checked before the command starts."""

    DATABASE = "database"
    TEMPORAL = "temporal"
    CALLBACKS = "callbacks"
    REQUESTS = "requests"


OF_MIGRATE: Final = frozenset({Concern.DATABASE})
OF_SCHEDULES: Final = frozenset({Concern.TEMPORAL})
OF_WORKER: Final = frozenset({Concern.DATABASE, Concern.TEMPORAL, Concern.CALLBACKS})
OF_API: Final = frozenset(Concern)


def refusals(
    settings: Settings, concerns: frozenset[Concern], *, load_temporal: Callable[[], "ClientConfigProfile"]
) -> list[str]:
    """A line for each thing that keeps a command with these concerns from starting: variable and reason."""
    lines: list[str] = []
    if Concern.REQUESTS in concerns:
        lines += _of_authentication(settings)
    if Concern.DATABASE in concerns:
        lines += _of_database(settings)
    lines += _of_files(settings, concerns, load_temporal)
    if settings.profile == "LOCAL":
        return lines
    if Concern.REQUESTS in concerns:
        lines += _of_requests(settings)
    if Concern.CALLBACKS in concerns and settings.callback_secrets is None:
        lines.append("PROPOSAL_CALLBACK_SECRETS: PRODUCTION signs its callbacks")
    if Concern.TEMPORAL in concerns and not settings.temporal_insecure:
        lines += _of_temporal(load_temporal)
    return lines


def _of_authentication(settings: Settings) -> Iterator[str]:
    if settings.auth_mode == "none":
        if settings.profile == "LOCAL" and not is_loopback(settings.api_host):
            yield (
                "PROPOSAL_API_HOST: without authentication it must be a loopback address, "
                "set PROPOSAL_AUTH_MODE=jwt to listen elsewhere"
            )
        return
    if settings.auth_issuer is None:
        yield "PROPOSAL_AUTH_ISSUER: PROPOSAL_AUTH_MODE=jwt needs it"
    if settings.auth_audience is None:
        yield "PROPOSAL_AUTH_AUDIENCE: PROPOSAL_AUTH_MODE=jwt needs it"
    if (settings.auth_jwks_url is None) == (settings.auth_jwks_file is None):
        yield "PROPOSAL_AUTH_JWKS_URL: PROPOSAL_AUTH_MODE=jwt needs it or PROPOSAL_AUTH_JWKS_FILE, not both"


def _of_requests(settings: Settings) -> Iterator[str]:
    if settings.auth_mode == "none":
        yield "PROPOSAL_AUTH_MODE: PRODUCTION needs jwt, with PROPOSAL_AUTH_ISSUER, _AUDIENCE and _JWKS_URL"
    if not settings.four_eyes:
        yield "PROPOSAL_FOUR_EYES: PRODUCTION needs true"
    if not settings.strict_version_binding:
        yield "PROPOSAL_STRICT_VERSION_BINDING: PRODUCTION needs true"


def _of_database(settings: Settings) -> Iterator[str]:
    is_production = settings.profile == "PRODUCTION"
    if is_production and settings.database_url == DEFAULT_DATABASE:
        yield "PROPOSAL_DATABASE_URL: PRODUCTION needs a database of its own"
    for field, url in _database_urls(settings):
        try:
            is_safe = is_encrypted_or_local(url)
        except DatabaseUrlInvalid:
            yield f"{variable_name(field)}: libpq refuses the URL, one of its options, or the service that it names"
            continue
        if is_production and not is_safe and not settings.database_insecure:
            yield (
                f"{variable_name(field)}: PRODUCTION needs sslmode=verify-full, verify-ca or require, "
                "or PROPOSAL_DATABASE_INSECURE=true for a network of its own"
            )


def _database_urls(settings: Settings) -> Iterator[tuple[str, str]]:
    for field in ("database_url", "owner_database_url"):
        url: SecretStr | None = getattr(settings, field)
        if url is not None:
            yield field, url.get_secret_value()


def _of_temporal(load_temporal: Callable[[], "ClientConfigProfile"]) -> Iterator[str]:
    try:
        if not uses_tls(load_temporal()):
            yield (
                "TEMPORAL_TLS: PRODUCTION needs it, a TEMPORAL_API_KEY, "
                "or PROPOSAL_TEMPORAL_INSECURE=true for a network of its own"
            )
    except RuntimeError:  # its text may quote the file, key included
        yield TEMPORAL_REFUSED


def _of_files(
    settings: Settings, concerns: frozenset[Concern], load_temporal: Callable[[], "ClientConfigProfile"]
) -> Iterator[str]:
    """Files that settings name and that this process cannot read; libraries say so late, or never."""
    files: dict[str, Path] = {}
    if Concern.REQUESTS in concerns and settings.auth_mode == "jwt" and settings.auth_jwks_file is not None:
        files["PROPOSAL_AUTH_JWKS_FILE"] = settings.auth_jwks_file
    if Concern.DATABASE in concerns:
        for field, url in _database_urls(settings):
            with suppress(DatabaseUrlInvalid):  # said of the URL itself
                files |= {f"{variable_name(field)} ({option})": path for option, path in tls_files(url).items()}
    if Concern.TEMPORAL in concerns:
        files |= _of_temporal_tls(load_temporal)
        if (problem := api_key_problem()) is not None:
            yield problem
    if concerns & {Concern.REQUESTS, Concern.CALLBACKS}:
        # OpenSSL passes over a file that is missing, and then trusts no issuer.
        files |= {name: Path(os.environ[name]) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)}
    for name, path in files.items():
        if (reason := _unreadable(path, is_folder=name == "SSL_CERT_DIR")) is not None:
            yield f"{name}: {reason}"


def _of_temporal_tls(load_temporal: Callable[[], "ClientConfigProfile"]) -> dict[str, Path]:
    try:
        tls = load_temporal().tls
    except RuntimeError:  # said of the variables themselves
        return {}
    if tls is None:
        return {}
    named = {
        "TEMPORAL_TLS_SERVER_CA_CERT_PATH": tls.server_root_ca_cert,
        "TEMPORAL_TLS_CLIENT_CERT_PATH": tls.client_cert,
        "TEMPORAL_TLS_CLIENT_KEY_PATH": tls.client_private_key,
    }
    return {name: source for name, source in named.items() if isinstance(source, Path)}


def _unreadable(path: Path, *, is_folder: bool) -> str | None:
    try:
        if is_folder:
            next(path.iterdir(), None)
        elif path != Path(os.devnull):  # libpq's users give it for "no certificate"
            with open_regular(path) as file:
                file.read(1)
    except OSError as failure:
        return f"the file cannot be read ({failure.strerror})"
    return None

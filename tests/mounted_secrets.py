"""Secrets as an orchestrator mounts them: a file for each, which a variable names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from evidence_keys import a_key_text

from cli import api, migrate, schedules, worker

MOUNTED = "/run/secrets/"
VALUES = {
    "database-url": "postgresql://proposals_service:x@db.example/proposals?sslmode=verify-full&sslrootcert=system",
    "owner-database-url": "postgresql://proposals_owner:x@db.example/proposals?sslmode=verify-full&sslrootcert=system",
    "callback-secrets": "a-secret-of-more-than-24-characters",
    "api-key": "a-key",
    "egress-proxy": "http://user:secret@proxy.example:3128",
    "evidence-key.pem": a_key_text(),
}
# What a deployment may add to the variables that all processes share, though not every one has the files.
OPTIONAL: Final = {
    "PROPOSAL_EGRESS_PROXY_FILE": "/run/secrets/proposals/egress-proxy",
    "PROPOSAL_EVIDENCE_KEY_FILE": "/run/secrets/evidence/evidence-key.pem",
}
SECRETS_OF: Final = {
    "api": api.SECRETS,
    "worker": worker.SECRETS,
    "migrate": migrate.SECRETS,
    "schedules": schedules.SECRETS,
}


def with_mounted(environ: Mapping[str, str], folder: Path, *, mounts: set[str]) -> dict[str, str]:
    """The variables, those that name a file below one of these mounts naming one in the folder instead."""
    given = dict(environ)
    for name, value in environ.items():
        path = Path(value)
        if value.startswith(MOUNTED) and path.parent.as_posix() in mounts:
            file = folder / path.name
            file.write_text(VALUES[path.name])
            given[name] = str(file)
    return given

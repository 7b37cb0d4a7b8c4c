"""Secrets as an orchestrator mounts them: a file for each, which a variable names."""

from collections.abc import Mapping
from pathlib import Path

MOUNTED = "/run/secrets/"
VALUES = {
    "database-url": "postgresql://proposals_service:x@db.example/proposals?sslmode=verify-full&sslrootcert=system",
    "owner-database-url": "postgresql://proposals_owner:x@db.example/proposals?sslmode=verify-full&sslrootcert=system",
    "callback-secrets": "a-secret-of-more-than-24-characters",
    "api-key": "a-key",
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

"""The account that PostgreSQL runs under when this process is root, which PostgreSQL refuses."""

import os
import pwd
import stat
import subprocess
from pathlib import Path
from typing import Final

from cli.local.children import LocalServerError

NAME: Final = "pgserver"  # the one that the package of the binaries would make, too


def unprivileged_user() -> str | None:
    """The account's name, made when it is missing; None when this process is not root and needs no other account."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(NAME)
    except KeyError:
        try:
            command = ["useradd", "--system", "--user-group", NAME]
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 -- constants, found on the PATH
        except (OSError, subprocess.CalledProcessError):
            raise LocalServerError(f"PostgreSQL does not run as root, and the user {NAME} cannot be made") from None
    return NAME


def own(directory: Path, user: str) -> None:
    """Give the directory to the account, which can reach it."""
    entry = pwd.getpwnam(user)
    os.chown(directory, entry.pw_uid, entry.pw_gid)
    allow_search(directory)


def allow_search(path: Path) -> None:
    """Let every account reach the path: search permission on what stands above it, nothing more."""
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


def allow_reading(tree: Path) -> None:
    """Let every account run what is in the tree: an installation under a strict umask is root's alone."""
    allow_search(tree)
    for path in (tree, *tree.rglob("*")):
        mode = path.stat().st_mode
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if mode != wanted:
            path.chmod(wanted)

"""The folder in which a reader follows a page: examples, the project's commands, and the environment of a service."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
IN_THE_CHECKOUT = ("examples", "client", "docs", "tests")
OF_A_SERVICE = ("PROPOSAL", "TEMPORAL_")
# A machine may lack the command `jq`, so pages are tested with the library of that name everywhere.
JQ = f'#!/bin/sh\nexec {sys.executable} {ROOT / "tests" / "jq_command.py"} "$@"\n'
# `env` and `token` read what a running `dev` and `demo --people` leave in their folder; here a test leaves it.
PROPOSALS = f"""#!/bin/sh
case "$1" in
  env) cat .proposals/environment ;;
  token) cat ".proposals/token-$2" ;;
  *) exec {Path(sys.executable).with_name("proposals")} "$@" ;;
esac
"""


def prepare(
    folder: Path, settings: Mapping[str, str], tokens: Mapping[str, str], *, worker_pid: Path
) -> dict[str, str]:
    """Make the folder; returns the environment of the shell in it."""
    for name in IN_THE_CHECKOUT:
        (folder / name).symlink_to(ROOT / name)
    own, commands = folder / ".own", folder / ".venv" / "bin"
    _write_command(own / "jq", JQ)
    _write_command(commands / "proposals", PROPOSALS)
    for path in Path(sys.prefix).iterdir():
        if path.name != "bin":
            (folder / ".venv" / path.name).symlink_to(path)
    for path in Path(sys.executable).parent.iterdir():
        if path.name != "proposals":
            (commands / path.name).symlink_to(path)
    data = folder / ".proposals"
    data.mkdir()
    (data / "worker.pid").symlink_to(worker_pid)
    of_service = {name: value for name, value in settings.items() if name.startswith(OF_A_SERVICE)}
    exports = {"PATH": f"{commands}:{own}:{os.environ['PATH']}", "PROPOSALS_DATA_DIR": str(data)} | of_service
    (data / "environment").write_text(
        "".join(f"export {name}={shlex.quote(value)}\n" for name, value in exports.items())
    )
    for name, token in tokens.items():
        (data / f"token-{name}").write_text(token + "\n")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OF_A_SERVICE)}
    return inherited | {"PATH": f"{own}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}


def _write_command(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)

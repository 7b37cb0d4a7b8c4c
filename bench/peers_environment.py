"""The environment of the peers: their pinned packages in a folder of their own, made when it is first needed."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

from cli.local.children import LocalServerError

ROOT: Final = Path(__file__).parent.parent
REQUIREMENTS: Final = ROOT / "bench" / "peers" / "requirements.txt"
CACHE: Final = ROOT / ".bench"  # ignored by git


def peers_python() -> Path:
    """The interpreter that has the peers' packages. Raises LocalServerError."""
    pinned = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = CACHE / f"peers-{pinned}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"Installing the peers' packages into {folder.relative_to(ROOT)} ...", file=sys.stderr)
        _run(sys.executable, "-m", "venv", "--clear", folder)
        _run(
            python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes", "-r", REQUIREMENTS
        )
        (folder / "complete").touch()
    return python


def _run(*command: str | Path) -> None:
    ran = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 -- constants
    if ran.returncode != 0:
        raise LocalServerError(
            "the peers' packages cannot be installed", log_lines=ran.stderr.decode(errors="replace").splitlines()[-8:]
        )

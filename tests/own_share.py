"""What a process of tests has for itself, whatever else is tested on this machine.

Ports: between the choice of a port and its use, nothing else must choose it. A folder for temporary files: each pytest
that begins makes the folder private that it shares with others, and PostgreSQL's account reaches its data no more.
"""

import fcntl
import os
import tempfile
from pathlib import Path

from cli.local import ports

SHARES = 32  # each of 531 ports; more processes than that choose from all
TEMPORARY = "PYTEST_DEBUG_TEMPROOT"  # where pytest makes its folders


def take() -> None:
    """Take a share until the end of this process."""
    for number in range(SHARES):
        name = f"tests-{os.getuid()}-{number}"
        lock = os.open(Path(tempfile.gettempdir()) / f"{name}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        ports.CHOSEN_FROM = ports.CHOSEN_FROM[number::SHARES]
        if "PYTEST_XDIST_WORKER" not in os.environ:  # such a process uses the folder of the one that started it
            folder = Path(os.environ.get(TEMPORARY) or tempfile.gettempdir()) / name
            folder.mkdir(mode=0o700, exist_ok=True)
            os.environ[TEMPORARY] = str(folder)
        return

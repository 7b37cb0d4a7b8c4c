"""Ports that no other process of tests chooses: between the choice of a port and its use it must stay free."""

import fcntl
import os
import tempfile
from pathlib import Path

from cli.local import ports

SHARES = 32  # each of 531 ports; more processes than that choose from all


def take_a_share() -> None:
    """Choose from a share that is this process's own until it ends, whatever else is tested on this machine."""
    folder = Path(tempfile.gettempdir())
    for number in range(SHARES):
        share = os.open(folder / f"proposals-tests-{os.getuid()}-ports-{number}", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(share, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(share)
        else:
            ports.CHOSEN_FROM = ports.CHOSEN_FROM[number::SHARES]
            return

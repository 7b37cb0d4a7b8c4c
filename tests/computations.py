"""What tests have computed in other processes: a module that is imported quickly there."""

import os
import signal
import struct
import sys
import time
from pathlib import Path


def forever() -> None:
    while True:
        time.sleep(1)


def note_and_hang(notes: Path) -> None:
    """Write down who computes, then never end."""
    _note(notes)
    forever()


def note_and_die(notes: Path) -> None:
    _note(notes)
    os.kill(os.getpid(), signal.SIGKILL)


def _note(notes: Path) -> None:
    with notes.open("a") as file:
        file.write(f"{os.getpid()}\n")


def take(megabytes: int) -> int:
    return len(bytearray(megabytes << 20))


def fail() -> None:
    raise KeyError("what is wrong")


def once_there(path: Path, value: int) -> int:
    while not path.exists():
        time.sleep(0.02)
    return value


def slowly(value: int) -> int:
    time.sleep(3)
    return value


def computed_by() -> int:
    return os.getpid()


def oom_score() -> int:
    """How eager the kernel is to end this process where memory runs out: from -1000 to 1000."""
    return int(Path("/proc/self/oom_score_adj").read_text())


def length(data: bytes) -> int:
    return len(data)


def stop_in_the_middle_of_the_result() -> None:
    """Send the length of a result, and no more of it."""
    os.write(sys._getframe(2).f_locals["connection"].fileno(), struct.pack("!i", 1000))
    os.kill(os.getpid(), signal.SIGSTOP)

"""Files that are written whole or not at all, however the process ends."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

OWNER_ONLY: Final = 0o600
EVERYONE: Final = 0o666


def write_whole(file: Path, content: bytes, *, mode: int = EVERYONE) -> None:
    """The whole file or none, with its mode from the start; the umask takes from that.

    A link stays, and a device or pipe is written to.

    Raises OSError.
    """
    if file.exists() and not file.is_file():
        file.write_bytes(content)  # replaced, /dev/null would be a file for every process of this machine
        return
    file = file.resolve()
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)  # of a run that was killed: its mode would stay
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as new:  # noqa: PTH123 -- with its mode from the start
            new.write(content)
        os.replace(unfinished, file)  # noqa: PTH105 -- atomic on every platform
    except OSError:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise

"""A secret that an orchestrator mounts as a file: its one text, or why there is none; never what stands in it."""

import errno
import stat
from pathlib import Path
from typing import BinaryIO, Final

FILE_SUFFIX: Final = "_FILE"  # of the variable that names a file with a secret
MAX_SECRET_BYTES: Final = 64 * 1024


class SecretFileRefused(RuntimeError):
    """Why a file gives no secret; never what stands in it."""


def secret_in(path: Path) -> str:
    """The file's one text without the end of its line. Raises SecretFileRefused."""
    try:
        with open_regular(path) as file:
            content = file.read(MAX_SECRET_BYTES + 1)
        if len(content) > MAX_SECRET_BYTES:
            raise SecretFileRefused(f"the file is larger than {MAX_SECRET_BYTES // 1024} KiB")
        text = content.decode("utf-8-sig").strip()  # without the mark that some editors begin a file with
    except OSError as failure:
        raise SecretFileRefused(f"the file cannot be read ({failure.strerror})") from None
    except UnicodeDecodeError:
        raise SecretFileRefused("the file is not UTF-8 text") from None
    if not text:
        raise SecretFileRefused("the file is empty")
    if "\0" in text:
        raise SecretFileRefused("the file is not UTF-8 text")
    return text


def open_regular(path: Path) -> BinaryIO:
    """The file that the path leads to, also by links: a FIFO would wait for its writer. Raises OSError."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # `open` says of a directory what it is
        raise OSError(errno.EINVAL, "Not a regular file")
    return path.open("rb")

"""Where the servers of the tests keep their data: in memory, where the system has room for it there.

Cloning a database copies 300 files. On a disk that costs as much time of the processor as the test itself.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import pytest

MEMORY: Final = Path("/dev/shm")  # noqa: S108 -- a folder of the test run is made in it
ENOUGH: Final = 4 * 2**30  # containers often have 64 MB of it
ROOT: Final = pytest.StashKey[Path]()
INHERITED: Final = "DATA_OF_TEST_SERVERS"


def open_root(config: pytest.Config) -> None:
    """Make the session's folder; the processes of pytest-xdist inherit it."""
    if INHERITED in os.environ:
        return
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH
    root = Path(tempfile.mkdtemp(prefix="proposals-tests-", dir=MEMORY if has_room else None))
    os.environ[INHERITED] = str(root)
    config.stash[ROOT] = root


def close_root(config: pytest.Config) -> None:
    """Remove the folder, in the process that made it."""
    if root := config.stash.get(ROOT, None):
        del os.environ[INHERITED]
        shutil.rmtree(root, ignore_errors=True)


def root() -> Path:
    return Path(os.environ.get(INHERITED, tempfile.gettempdir()))


def new_folder() -> Path:
    return Path(tempfile.mkdtemp(dir=root()))

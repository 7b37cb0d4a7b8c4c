"""Memory that stays for good, and memory that was needed once."""

import ctypes
import gc
from typing import Final

YOUNG_OBJECTS: Final = 50_000  # a request makes some thousands; looking through them at each seven hundredth is waste

_trim: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl and macOS have not


def give_back() -> None:
    """Hand free memory back to the system: after a large request glibc keeps what may be needed again."""
    if _trim is not None:
        _trim(0)


def settle() -> None:
    """Call it when a process has started: what is there stays, and the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)

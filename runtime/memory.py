"""Memory of a process: what the garbage collector may skip, and what the system gets back."""

import ctypes
import gc
from typing import Final

YOUNG_OBJECTS: Final = 50_000  # a request makes thousands; a collection after each 700 is waste

_trim: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl and macOS have not


def trim_heap() -> None:
    """Return free memory to the system: after a large request glibc keeps it for the next one."""
    if _trim is not None:
        _trim(0)


def freeze_gc() -> None:
    """Call this when a process has started: objects that exist by then stay, so the collector skips them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)

"""Memory that was needed once and is not any more."""

import ctypes
from typing import Final

_trim: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl and macOS have not


def give_back() -> None:
    """Hand free memory back to the system: after a large request glibc keeps what may be needed again."""
    if _trim is not None:
        _trim(0)

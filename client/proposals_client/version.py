"""The release, written out: reading it from the installed package would take a fifth of a command's time to start."""

from typing import Final

__version__: Final = "0.1.0"

"""The generated models, imported when the first answer is read: they take longer to import than a command to start."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proposals_client import models
else:

    class _Models:
        def __getattr__(self, name: str) -> Any:
            return getattr(import_module("proposals_client.models"), name)

    models = _Models()

__all__ = ["models"]

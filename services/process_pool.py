"""The process pool for large requests, as services and activities see it."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")


class ProcessPool(Protocol):
    """Computes large requests: `runtime.engine_pool.EnginePool`.

    It raises OperationTooExpensive, and ServerBusy where the wait for a turn has a limit.
    """

    def run(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Awaitable[Result]: ...

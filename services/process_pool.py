"""What services and activities know of the processes that compute large requests."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")


class ProcessPool(Protocol):
    """Where large requests are computed: `runtime.engine_pool.EnginePool`.

    It raises OperationTooExpensive, and ServerBusy where the wait for a turn has a limit.
    """

    def run(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Awaitable[Result]: ...

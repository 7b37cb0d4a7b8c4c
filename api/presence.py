"""Whether the client is still there: one that has gone away is waited for no longer."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from services.race import race

Result = TypeVar("Result")


async def while_connected(request: Request, work: Coroutine[Any, Any, Result], *, waits: bool) -> Result:
    """The work's result. Raises ClientDisconnect when the client goes away first; its body is read by then.

    `waits` when the work includes a wait for an operation's end; metrics count such requests apart.
    """
    request.state.waits = waits
    result = await race(work, _gone(request))
    if result is None:
        raise ClientDisconnect
    return result


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

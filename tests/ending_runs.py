"""Runs of a batch that end the process that computes them, for pools of real processes."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from domain.batch import running


def dying_at(portfolio_id: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The function's result, unless it simulates this portfolio: that kills its process."""
    with _at(portfolio_id, lambda: os.kill(os.getpid(), signal.SIGKILL)):
        return function(*args, **kwargs)


def hanging_at(portfolio_id: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The function's result, unless it simulates this portfolio: that takes for ever."""
    with _at(portfolio_id, lambda: time.sleep(10_000)):
        return function(*args, **kwargs)


@contextmanager
def _at(portfolio_id: str, happens: Callable[[], None]) -> Iterator[None]:
    simulate = running.simulate

    def simulate_or_not(request: Any, **identity: Any) -> dict[str, Any]:
        if request.portfolio_snapshot.portfolio_id == portfolio_id:
            happens()
        return simulate(request, **identity)

    running.simulate = simulate_or_not
    try:
        yield
    finally:
        running.simulate = simulate

"""A process of this package that is started again when it ends, so that crashes can be tried by hand with `kill -9`."""

import signal
import time
from collections.abc import Callable
from typing import Final

from cli.local.children import Child

FIRST_PAUSE_SECONDS: Final = 0.5  # doubled after each end that follows soon
LONGEST_PAUSE_SECONDS: Final = 8.0
STARTED_SECONDS: Final = 60.0  # a process that ran this long had started
MAX_FAILED_STARTS: Final = 3
ASKED_TO_END: Final = (0, -signal.SIGTERM, -signal.SIGKILL)  # from outside: these processes serve until a signal


class RestartedChild:
    """Its `child` is the process that runs, or the one that ended last."""

    def __init__(self, launch: Callable[[], Child], *, say: Callable[[str], None]) -> None:
        self.child = launch()
        self._launch = launch
        self._say = say
        self._launched_at = time.monotonic()
        self._pause = FIRST_PAUSE_SECONDS
        self._failed_starts = 0
        self._due_at: float | None = None  # when it is started again; None while it runs

    @property
    def has_failed(self) -> bool:
        """Whether it has ended by itself, and `look_after` has not seen it yet."""
        return self._due_at is None and self.child.exit_code not in (None, *ASKED_TO_END)

    def look_after(self, *, now: float) -> None:
        """Start an ended process again once its pause is over; call it often, with the monotonic time.

        Raises LocalServerError when it ends by itself at every start.
        """
        if self._due_at is not None:
            if now >= self._due_at:
                self.child = self._launch()
                self._launched_at, self._due_at = now, None
            return
        if self.child.exit_code is None:
            return
        if now - self._launched_at >= STARTED_SECONDS:
            self._pause, self._failed_starts = FIRST_PAUSE_SECONDS, 0
        elif self.has_failed:
            self._failed_starts += 1
        error = self.child.exit_error()
        if self._failed_starts == MAX_FAILED_STARTS:
            raise error
        self._say(f"{error}: it starts again in {self._pause:g} s")
        self._due_at = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def stop(self, *, grace_seconds: float) -> None:
        self.child.stop(grace_seconds=grace_seconds)

"""When a request is sent again by itself, and how long after.

A request that never left, or that the service says it did nothing with, is repeated whatever it is. Where the outcome
is not known, only a request that is safe to repeat is: a read, or a write under an idempotency key.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

NOT_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
HOPELESS: Final = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)
NOTHING_DONE: Final = frozenset({408, 429})
# 503 may come after a commit whose answer was lost, 502 and 504 from a proxy that does not know.
OUTCOME_UNKNOWN: Final = frozenset({502, 503, 504})
REPEATED_STATUSES: Final = NOTHING_DONE | OUTCOME_UNKNOWN
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0


class Repeats:
    """The repeats of one request, over at most `seconds`."""

    def __init__(self, *, seconds: float, is_safe: bool) -> None:
        self._deadline = time.monotonic() + seconds
        self._is_safe = is_safe
        self._made = 0

    def pause_after_failure(self, failure: httpx2.TransportError) -> float | None:
        """Seconds until the next attempt; None for no other attempt."""
        if isinstance(failure, HOPELESS) or not (self._is_safe or isinstance(failure, NOT_SENT)):
            return None
        return self._next_pause(0.0)

    def pause_after_answer(self, answer: httpx2.Response, *, retryable: bool) -> float | None:
        """Seconds until the next attempt; None when this answer is final. `retryable`: what the answer says itself."""
        is_safe = answer.status_code in (REPEATED_STATUSES if self._is_safe else NOTHING_DONE)
        return self._next_pause(retry_after_seconds(answer) or 0.0) if is_safe and retryable else None

    def _next_pause(self, floor: float) -> float | None:
        pause = jittered_pause(self._made, floor=floor)
        self._made += 1
        return pause if time.monotonic() + pause < self._deadline else None


def jittered_pause(made: int, *, floor: float) -> float:
    """Seconds to wait after `made` repeats: doubled each time, spread upward so that callers do not come together."""
    pause = max(floor, min(FIRST_PAUSE * 2.0 ** min(made, 10), LONGEST_PAUSE))
    return pause * random.uniform(1.0, 1.25)  # noqa: S311 -- spreads load, guards nothing


def retry_after_seconds(answer: httpx2.Response) -> float | None:
    """What `Retry-After` says, as seconds or as a date; None without one."""
    given = answer.headers.get("Retry-After", "")
    if given.isascii() and given.isdecimal():
        return float(given)
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000": a UTC time of unknown zone
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())

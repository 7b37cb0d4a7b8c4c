"""When a failed callback is tried again."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from domain.tls_failure import TlsFailure

# After the first try, the second and so on; the list of Standard Webhooks.
DELAYS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MAX_TRIES: Final = len(DELAYS) + 1
JITTER: Final = 0.2  # of the delay, upward: callbacks that failed together are not retried together
MAX_RETRY_AFTER: Final = timedelta(hours=24)
REDELIVERY_PAUSE: Final = timedelta(minutes=1)

SECONDS: Final = re.compile(r"[0-9]{1,12}")

MAX_BUSY_SECONDS: Final = 60.0
BUSY_DOUBLINGS: Final = 6


class DeliveryStatus(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class AttemptError(StrEnum):
    """Why an attempt has no status code; fixed words, never what an exception said."""

    URL_NOT_ALLOWED = "URL_NOT_ALLOWED"
    NAME_NOT_RESOLVED = "NAME_NOT_RESOLVED"
    NOT_CONFIGURED = "NOT_CONFIGURED"
    CONNECTION_FAILED = "CONNECTION_FAILED"
    PROXY_REFUSED = "PROXY_REFUSED"
    TLS_ISSUER_UNKNOWN = TlsFailure.ISSUER_UNKNOWN.value
    TLS_NAME_MISMATCH = TlsFailure.NAME_MISMATCH.value
    TLS_CERTIFICATE_EXPIRED = TlsFailure.CERTIFICATE_EXPIRED.value
    TLS_FAILED = TlsFailure.OTHER.value
    TIMEOUT = "TIMEOUT"
    ANSWER_INVALID = "ANSWER_INVALID"


def status_after(*, status_code: int | None, tries: int) -> DeliveryStatus:
    """The delivery's status after the n-th try of a round: only 2xx is success, and 410 ends the round."""
    if status_code is not None and HTTPStatus.OK <= status_code < HTTPStatus.MULTIPLE_CHOICES:
        return DeliveryStatus.DELIVERED
    if status_code == HTTPStatus.GONE or tries >= MAX_TRIES:
        return DeliveryStatus.FAILED
    return DeliveryStatus.PENDING


def delay_after(*, tries: int, jitter: float, retry_after: timedelta | None) -> timedelta:
    """The wait after the n-th try; `jitter` is between 0 and 1, `retry_after` the receiver's minimum."""
    delay = DELAYS[tries - 1] * (1 + JITTER * jitter)
    return delay if retry_after is None else max(delay, retry_after)


def busy_seconds(rounds: int, *, jitter: float) -> float:
    """The n-th wait for a slot of a busy host, in seconds: from one, doubled up to a minute."""
    return min(2.0 ** min(rounds - 1, BUSY_DOUBLINGS), MAX_BUSY_SECONDS) * (1 + JITTER * jitter)


def parsed_retry_after(text: str | None, *, now: datetime) -> timedelta | None:
    """The header's seconds or date as a wait, at most a day; None when it is absent or neither of them."""
    if text is None:
        return None
    text = text.strip()
    if SECONDS.fullmatch(text):
        return min(timedelta(seconds=int(text)), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return min(max(moment - now, timedelta(0)), MAX_RETRY_AFTER)

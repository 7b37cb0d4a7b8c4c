"""The service's limits of a few seconds, out of the way of tests of something else: a busy machine reaches them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import pytest
from waiting import PATIENCE_SECONDS

from runtime.database import SESSION_OPTIONS
from storage.retention import BOUND_STATEMENTS, LOCK_LIMIT_MS
from storage.workflow_starts import CLAIM_DELIVERIES, CLAIM_OPERATIONS
from workflows import policies

LONG: Final = timedelta(seconds=PATIENCE_SECONDS)


def changed(text: str, *changes: tuple[str, str]) -> str:
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return text


SECONDS: Final = f"{PATIENCE_SECONDS:.0f}s"
CLAIMED: Final = ("interval '5 seconds'", f"interval '{PATIENCE_SECONDS} seconds'")
# PostgreSQL and the issuer of tokens may be late, where no test is about one of them that is silent.
OF_ANSWERS: Final[dict[str, object]] = {
    "runtime.database.ANSWER_SECONDS": PATIENCE_SECONDS,
    "runtime.database.HOST_SECONDS": round(PATIENCE_SECONDS),
    "runtime.watch_connection.ANSWER_SECONDS": PATIENCE_SECONDS,
    "runtime.issuer_keys.ASKED_SECONDS": PATIENCE_SECONDS,
    "runtime.issuer_keys.FETCH_SECONDS": PATIENCE_SECONDS,
}
ALL: Final[dict[str, object]] = OF_ANSWERS | {
    # PostgreSQL
    "runtime.database.SESSION_OPTIONS": changed(
        SESSION_OPTIONS,
        ("-c statement_timeout=5s", f"-c statement_timeout={SECONDS}"),
        ("in_transaction_session_timeout=10s", f"in_transaction_session_timeout={SECONDS}"),
    ),
    "runtime.database.SLOT_WAIT_SECONDS": PATIENCE_SECONDS,
    "storage.retention.BOUND_STATEMENTS": changed(BOUND_STATEMENTS, (f"'{LOCK_LIMIT_MS}ms'", f"'{SECONDS}'")),
    "storage.workflow_starts.CLAIM_DELIVERIES": changed(CLAIM_DELIVERIES, CLAIMED),
    "storage.workflow_starts.CLAIM_OPERATIONS": changed(CLAIM_OPERATIONS, CLAIMED),
    # Temporal
    "services.start_sources.RPC_TIMEOUT": LONG,
    "services.temporal_workflows.ANSWER_SECONDS": PATIENCE_SECONDS,
    "services.waiting.ANSWER_SECONDS": PATIENCE_SECONDS,
    "services.temporal_workflows.RPC_TIMEOUT": LONG,
    "services.workflow_end.RPC_TIMEOUT": LONG,
    "workflows.schedules.RPC_TIMEOUT": LONG,
    # Receivers of callbacks
    "services.callback_sender.ATTEMPT_SECONDS": PATIENCE_SECONDS,
}
OF_ACTIVITIES: Final[tuple[tuple[Any, str], ...]] = (
    *((policies.LOCAL, name) for name in ("start_to_close_timeout", "schedule_to_close_timeout")),
    *((options, "heartbeat_timeout") for options in (policies.COMPUTE, policies.BATCH)),
    *((options, "start_to_close_timeout") for options in (policies.NORMAL, policies.DELIVER, policies.RECONCILE)),
)


@contextmanager
def of_activities_moved_away() -> Iterator[None]:
    """Steps that are slow are not tried again."""
    with pytest.MonkeyPatch.context() as patched:
        for options, name in OF_ACTIVITIES:
            patched.setitem(options, name, LONG)
        yield


@contextmanager
def moved_away(limits: Mapping[str, object] = ALL) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for name, limit in limits.items():
            patched.setattr(name, limit)
        yield


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """For each module of a folder whose conftest.py imports it."""
    with moved_away():
        yield

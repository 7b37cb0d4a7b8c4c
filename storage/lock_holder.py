"""The session that holds a lock for which another one waits; a second session asks, since the waiting one cannot."""

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import psycopg

ASK_SECONDS: Final = 0.5

# Without the holder's statement, which may quote values of clients. State and time are null where this role may not
# see them; the first holder is the one that began first.
SELECT_HOLDER: Final = """
SELECT waiting.relation::regclass::text, holder.pid, holder.usename, holder.application_name, holder.state,
    date_trunc('second', holder.xact_start)::text
FROM pg_locks AS waiting
CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS blocking (pid)
JOIN pg_stat_activity AS holder ON holder.pid = blocking.pid
WHERE waiting.pid = %(pid)s AND NOT waiting.granted
ORDER BY holder.xact_start NULLS LAST LIMIT 1
"""


class LockWatch:
    """Inside the block a thread looks for what session `pid` waits for.

    `held` is what it saw last: the lock, its holder, and what to do. `on_wait` gets the same once, at the first wait
    for a lock that is no table's: only those are waited for without a limit.
    """

    def __init__(self, dsn: str, pid: int, *, on_wait: Callable[[str], None]) -> None:
        self._dsn = dsn
        self._pid = pid
        self._on_wait = on_wait
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lock-watch", daemon=True)
        self.held: str | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        has_said = False
        while not self._ended.wait(ASK_SECONDS):
            with (
                suppress(psycopg.Error),
                psycopg.connect(
                    self._dsn, autocommit=True, connect_timeout=2, application_name="proposals-migrate-watch"
                ) as connection,
            ):
                while not self._ended.wait(ASK_SECONDS):
                    row = connection.execute(SELECT_HOLDER, {"pid": self._pid}).fetchone()
                    if row is None:
                        continue
                    table, *holder = row
                    self.held = _described(table, *holder)
                    if table is None and not has_said:
                        has_said = True
                        self._on_wait(self.held)


def _described(
    table: str | None, pid: int, role: str | None, application: str | None, state: str | None, since: str | None
) -> str:
    lock = "the lock of migrations" if table is None else f"the table {table}"
    known = [f"role {role or 'unknown'}", f"application {application or 'without a name'}"]
    if state is not None:
        known.append(state)
    if since is not None:
        known.append(f"in a transaction since {since}")
    return (
        f"{lock} is locked by the session with pid {pid} ({', '.join(known)}): "
        f"let it end, or end it with SELECT pg_terminate_backend({pid})"
    )

"""One pool of PostgreSQL connections a process, behind a breaker that a probe of its own opens and closes.

A frozen server keeps none of its own time-outs. So the probe has a limit on the client's side, and a breaker that opens
severs the connections in use: the statements on them end at once (runtime/watch_connection.py says how and why).

A server that takes no writes opens the breaker, too (docs/adr/0015-outages-by-sqlstate.md). A session keeps the default
of the moment in which it began, so new sessions are asked, and a pool never outlives a read-only phase.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Final

import structlog
from psycopg import AsyncConnection, AsyncCursor, Error
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

from domain.errors import StorageUnavailable
from runtime.background import background
from runtime.outages import READ_ONLY, TIMEOUT, is_contention, is_outage, lasting_refusal, sqlstate_of
from runtime.sql_spans import TracedCursor, connection_span
from runtime.tracing import is_tracing
from runtime.watch_connection import ANSWER_SECONDS, WatchConnection, sever

PROBE_INTERVAL_SECONDS: Final = 0.5  # with ANSWER_SECONDS under the 2 s in which a request must have its 503
RETRY_AFTER_FAILURE_SECONDS: Final = 1.0
HOST_SECONDS: Final = 2  # how long a silent host keeps psycopg from the next one; psycopg takes no less
NEW_SESSION_SECONDS: Final = 5.0  # how often a new session is asked whether it may write
REFUSAL_SECONDS: Final = 5.0  # for so long after its last refusal the server counts as unwell
TIMEOUTS: Final = 3  # so many statements that time out within TIMEOUTS_SECONDS are a series, not one slow statement
TIMEOUTS_SECONDS: Final = 20.0  # the starter alone, in an idle process, has three in this time
SLOT_WAIT_SECONDS: Final = 15.0  # while connections work, a full pool is a queue, not an error
SESSION_OPTIONS: Final = (
    "-c statement_timeout=5s -c idle_in_transaction_session_timeout=10s -c timezone=UTC"
    # A statement that waits for a lock does not notice that its connection was severed: its session would stay.
    " -c client_connection_check_interval=1s"
    # Every statement is short, and compiling one takes longer than running it.
    " -c jit=off"
)

READ_ONLY_STATE: Final = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean"
STANDBY: Final = "PostgreSQL is a standby: it takes no writes until it is promoted."
SESSIONS_READ_ONLY: Final = "PostgreSQL gives read-only sessions (default_transaction_read_only)."
TIMED_OUT: Final = f"PostgreSQL ends statement after statement at its time-out (SQLSTATE {TIMEOUT}): look for locks."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolUsage:
    """Connections in use, open and possible; tasks that wait for one; how often the breaker has opened."""

    available: bool
    in_use: int
    waiting: int
    open: int
    size: int
    outages: int


class Database:
    """Connections while PostgreSQL answers and takes writes; `StorageUnavailable` at once while it does not.

    `must_write=False` is for commands that read: they work on a standby, too.
    """

    def __init__(self, dsn: str, *, pool_size: int, application_name: str, must_write: bool = True) -> None:
        self._dsn = dsn
        self._pool_size = pool_size
        self._must_write = must_write
        self._application_name = application_name
        self._connect_options: dict[str, str | int | bool] = {
            "application_name": application_name,
            "connect_timeout": HOST_SECONDS,
            "options": SESSION_OPTIONS,
        }
        further_hosts = str(conninfo_to_dict(dsn).get("host", "")).count(",")
        self._connect_seconds = ANSWER_SECONDS + HOST_SECONDS * further_hosts
        self._pool: AsyncConnectionPool | None = None
        self._in_use: set[AsyncConnection] = set()
        self._waiting: set[asyncio.Timeout] = set()
        self._probed = asyncio.Event()
        self._closing: set[asyncio.Task[None]] = set()
        self._outages = 0
        self._read_only: str | None = None
        self._refusal: str | None = None
        self._refused_at = float("-inf")
        self._timeouts: deque[float] = deque(maxlen=TIMEOUTS)
        self._suspected = asyncio.Event()
        self._is_traced = is_tracing()

    @property
    def problem(self) -> str | None:
        """One sentence for why PostgreSQL, which can be reached, does not do its work; None when nothing is known."""
        if self._read_only is not None:
            return self._read_only
        now = time.monotonic()
        if now - self._refused_at < REFUSAL_SECONDS:
            return self._refusal
        is_series = len(self._timeouts) == TIMEOUTS and now - self._timeouts[0] < TIMEOUTS_SECONDS
        return TIMED_OUT if is_series else None

    @property
    def usage(self) -> PoolUsage:
        """The present numbers; may be read from any thread."""
        pool = self._pool
        return PoolUsage(
            available=pool is not None,
            in_use=len(self._in_use),
            waiting=len(self._waiting),
            open=0 if pool is None else pool.get_stats().get("pool_size", 0),
            size=self._pool_size,
            outages=self._outages,
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection in autocommit mode, given back afterwards.

        Raises StorageUnavailable while the breaker is open, and in place of what psycopg raises in the block for an
        outage or a conflict of transactions. Other errors of psycopg pass.
        """
        pool = self._pool
        if pool is None:
            raise StorageUnavailable
        with connection_span() if self._is_traced else nullcontext():
            connection = await self._slot(pool)
            self._in_use.add(connection)
            try:
                yield connection
            except Error as failure:
                if not (is_outage(failure) or is_contention(failure)):
                    raise
                await self._note(failure, connection)
                raise StorageUnavailable from None
            finally:
                self._in_use.discard(connection)
                await pool.putconn(connection)

    async def _note(self, failure: Error, connection: AsyncConnection) -> None:
        sqlstate = sqlstate_of(failure)
        log.warning("database_call_failed", reason=type(failure).__name__, sqlstate=sqlstate)
        if (refusal := lasting_refusal(failure)) is not None:
            self._refusal, self._refused_at = refusal, time.monotonic()
        if sqlstate == TIMEOUT:
            self._timeouts.append(time.monotonic())
        if sqlstate == READ_ONLY:
            self._suspected.set()
            await connection.close()  # it would stay read-only; the pool replaces what comes back closed

    async def _slot(self, pool: AsyncConnectionPool) -> AsyncConnection:
        """A connection of the pool; the wait for it ends when the breaker opens, not when the pool has closed."""
        try:
            async with asyncio.timeout(SLOT_WAIT_SECONDS) as wait:
                self._waiting.add(wait)
                return await pool.getconn(SLOT_WAIT_SECONDS)
        except (TimeoutError, Error) as failure:
            log.warning("database_call_failed", reason=type(failure).__name__, sqlstate=None)
            raise StorageUnavailable from None
        finally:
            self._waiting.discard(wait)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Database"]:
        """The probe runs inside the block. The block begins without a server, too."""
        try:
            async with background(self._watch, name="database-probe"):
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._connect_seconds + ANSWER_SECONDS):
                        await self._probed.wait()
                yield self
        finally:
            if self._pool is not None:
                await self._pool.close()
                self._pool = None
            if self._closing:
                await asyncio.wait(self._closing)

    @asynccontextmanager
    async def watching(self, application_name: str) -> AsyncIterator[WatchConnection]:
        """A connection of its own that listens or probes. Raises what psycopg raises, and TimeoutError."""
        async with asyncio.timeout(self._connect_seconds):
            options = self._connect_options | {"application_name": application_name}
            connecting = await AsyncConnection.connect(self._dsn, autocommit=True, **options)  # type: ignore[arg-type]  # libpq keywords are untyped
        async with connecting as connection:
            yield WatchConnection(connection)

    async def _watch(self) -> float:
        try:
            self._read_only = await self._until_read_only()
        except Exception as failure:
            self._read_only = None
            self._open_breaker(type(failure).__name__)
            raise
        self._open_breaker(self._read_only)
        return RETRY_AFTER_FAILURE_SECONDS

    async def _until_read_only(self) -> str:
        """Keep the breaker closed while the server answers; return the reason once it takes no writes."""
        async with self.watching(self._application_name) as connection:
            if (read_only := await self._refused_writes(connection)) is not None:
                return read_only
            await self._close_breaker()
            new_sessions = asyncio.create_task(self._until_new_sessions_are_read_only(), name="database-session-probe")
            try:
                while (read_only := await self._refused_writes(connection)) is None:
                    if (await asyncio.wait({new_sessions}, timeout=PROBE_INTERVAL_SECONDS))[0]:
                        return new_sessions.result()
                return read_only
            finally:
                new_sessions.cancel()
                await asyncio.wait({new_sessions})

    async def _until_new_sessions_are_read_only(self) -> str:
        """A session that cannot be opened says nothing of those that are open: it is tried again."""
        while True:
            # Not wait_for, here and above: in Python 3.11 it swallows a cancel that comes with the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(NEW_SESSION_SECONDS):
                    await self._suspected.wait()
            self._suspected.clear()
            with suppress(Error, OSError, TimeoutError):
                async with self.watching(self._application_name) as connection:
                    if (read_only := await self._refused_writes(connection)) is not None:
                        return read_only
            await asyncio.sleep(PROBE_INTERVAL_SECONDS)  # at most this often, however many statements fail

    async def _refused_writes(self, connection: WatchConnection) -> str | None:
        """Why this session may not write, None when it may or need not; raises when it does not answer in time."""
        ((is_standby, is_read_only),) = await connection.fetch(READ_ONLY_STATE)
        if not (self._must_write and is_read_only):
            return None
        return STANDBY if is_standby else SESSIONS_READ_ONLY

    async def _close_breaker(self) -> None:
        pool = AsyncConnectionPool(
            self._dsn,
            min_size=min(2, self._pool_size),
            max_size=self._pool_size,
            kwargs={
                "autocommit": True,
                "prepare_threshold": 2,
                "cursor_factory": TracedCursor if self._is_traced else AsyncCursor,
                **self._connect_options,
            },
            open=False,
        )
        await pool.open()
        self._pool = pool
        self._read_only = None
        self._probed.set()
        log.info("database_available")

    def _open_breaker(self, reason: str) -> None:
        self._probed.set()
        pool, self._pool = self._pool, None
        if pool is None:
            return
        self._outages += 1
        log.warning("database_unavailable", reason=reason)
        for connection in self._in_use:
            sever(connection)
        for wait in self._waiting:
            wait.reschedule(asyncio.get_running_loop().time())
        closing = asyncio.create_task(pool.close(timeout=ANSWER_SECONDS), name="database-pool-close")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

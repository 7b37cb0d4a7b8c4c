"""The doors to PostgreSQL: `transaction()` commits when its block ends without an error, `reading()` never writes.

In `autocommit()` and `purging()` each statement commits by itself; `snapshot()` is for many reads of one moment, and
`checkpointing()` for a checkpoint of it.

A block is inside a service or activity function and ends before that function returns: an answer that is sent before
the commit breaks the promise of a 202 (docs/adr/0006-explicit-transactions.md). A block makes no network call.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Literal, LiteralString, Protocol

import structlog
from psycopg import AsyncConnection
from psycopg.errors import ForeignKeyViolation

from domain.errors import StorageUnavailable
from domain.operation import SIMULATIONS_SCOPE, IdempotencyKey, Operation
from storage.audit import AuditReader
from storage.backlog import BacklogReader
from storage.batch_chunks import BatchChunks, ChunkReader
from storage.checkpoints import Checkpoints
from storage.correlation_ids import CorrelationIds
from storage.deliveries import Deliveries, DeliveryReader
from storage.documents import FOREIGN_KEYS, DocumentPurged, DocumentReader, Documents
from storage.events import EventReader, Events
from storage.expired_operations import ExpiredOperationReader
from storage.idempotency import Arbiter, IdempotencyKeyReader, IdempotencyKeys
from storage.keyset import KeysetReader
from storage.operation_list import OPERATION_LIST
from storage.operation_work import OperationWork, WorkReader
from storage.operations import OperationReader, Operations
from storage.privileges import missing_privilege
from storage.proposal_list import PROPOSAL_LIST
from storage.proposals import ProposalReader, Proposals
from storage.retention import Retention
from storage.reviews import ApprovalReader, Approvals, ReviewKeys
from storage.schema import current_revision, required_revision
from storage.simulations import SimulationReader, Simulations
from storage.submissions import Submissions
from storage.waiting_list import WaitingReader
from storage.workflow_starts import OperationStarts, delivery_starts

log = structlog.get_logger(__name__)


class ConnectionSource(Protocol):
    """The source of connections: `runtime.database.Database`, which raises StorageUnavailable for an outage."""

    @property
    def problem(self) -> str | None: ...

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StorageProblem:
    """Why PostgreSQL, which can be reached, does not do the service's work; `reason` is one sentence."""

    state: Literal["schema_too_old", "cannot_write"]
    reason: str


class Reading:
    """Repositories that only read, one statement each, in autocommit."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.operations = OperationReader(connection)
        self.work = WorkReader(connection)
        self.operation_list = KeysetReader(connection, OPERATION_LIST)
        self.expired = ExpiredOperationReader(connection)
        self.proposals = ProposalReader(connection)
        self.proposal_list = KeysetReader(connection, PROPOSAL_LIST)
        self.waiting_list = WaitingReader(connection)
        self.events = EventReader(connection)
        self.approvals = ApprovalReader(connection)
        self.keys = IdempotencyKeyReader(connection)
        self.documents = DocumentReader(connection)
        self.deliveries = DeliveryReader(connection)
        self.simulations = SimulationReader(connection)
        self.backlog = BacklogReader(connection)
        self.chunks = ChunkReader(connection)


class Transaction:
    """Repositories on one connection, in one transaction. Lock order: key, operation, proposal, events, delivery."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.keys = IdempotencyKeys(connection)
        self.submissions = Submissions(connection)
        self.operations = Operations(connection)
        self.correlation_ids = CorrelationIds(connection)
        self.work = OperationWork(connection, ended=self.operations.ended)
        self.expired = ExpiredOperationReader(connection)
        self.proposals = Proposals(connection)
        self.events = Events(connection)
        self.approvals = Approvals(connection)
        self.review_keys = ReviewKeys(connection)
        self.documents = Documents(connection)
        self.deliveries = Deliveries(connection)
        self.operation_starts = OperationStarts(connection)
        self.delivery_starts = delivery_starts(connection)
        self.simulations = Simulations(connection)
        self.chunks = BatchChunks(connection)

    def arbiter_of(self, key: IdempotencyKey) -> Arbiter:
        """The table whose rows say what keys of this scope stand for."""
        return self.simulations if key.scope == SIMULATIONS_SCOPE else self.keys


class Storage:
    """PostgreSQL as services and activities see it.

    All doors raise StorageUnavailable; of psycopg's own errors only what a statement names (a violated constraint).
    `on_ended` gets each operation that a transaction has ended, after its commit.
    """

    def __init__(self, connections: ConnectionSource, *, on_ended: Callable[[Operation], None]) -> None:
        self._connections = connections
        self._on_ended = on_ended
        self._required_revision = required_revision()
        self._schema_is_current = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        # Pipeline mode: a statement whose result is not awaited travels with the next one.
        async with self._connection() as connection, connection.pipeline(), connection.transaction():
            transaction = Transaction(connection)
            yield transaction
        self._report(transaction)

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[Transaction]:
        """Each statement is a transaction by itself, and costs one round trip and no pipeline."""
        async with self._connection() as connection:
            transaction = Transaction(connection)
            yield transaction
        self._report(transaction)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        async with self._connection() as connection:
            yield Reading(connection)

    @asynccontextmanager
    async def purging(self) -> AsyncIterator[Retention]:
        """Each statement commits by itself, so that its locks last no longer than it does."""
        async with self._connection() as connection:
            yield Retention(connection)

    @asynccontextmanager
    async def snapshot(self, *, by_index: bool = False) -> AsyncIterator[AuditReader]:
        """All that the block reads is of one moment, and may take long; `by_index` where it reads checkpoints."""
        async with self._long_transaction("REPEATABLE READ, READ ONLY", by_index=by_index) as connection:
            yield AuditReader(connection)

    @asynccontextmanager
    async def checkpointing(self) -> AsyncIterator[Checkpoints]:
        """A transaction that sees the trails of one moment, and may take long."""
        async with self._long_transaction("REPEATABLE READ", by_index=True) as connection:
            yield Checkpoints(connection)

    @asynccontextmanager
    async def _long_transaction(self, mode: LiteralString, *, by_index: bool) -> AsyncIterator[AsyncConnection]:
        async with self._connection() as connection, connection.transaction():
            await connection.execute(f"SET TRANSACTION ISOLATION LEVEL {mode}")
            await connection.execute("SET LOCAL statement_timeout = '10min'")
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
            if by_index:
                # The first checkpoint fills an empty table. PostgreSQL believes that it is small until autovacuum has
                # seen it, and would read all of it for each proposal, and sort it for each page.
                await connection.execute("SET LOCAL enable_seqscan = off")
                await connection.execute("SET LOCAL enable_bitmapscan = off")
                await connection.execute("SET LOCAL enable_sort = off")
            yield connection

    def _report(self, transaction: Transaction) -> None:
        for ended in transaction.operations.ended:
            self._on_ended(ended)

    @property
    def known_problem(self) -> StorageProblem | None:
        """The problem that is known without asking PostgreSQL."""
        reason = self._connections.problem
        return None if reason is None else StorageProblem(state="cannot_write", reason=reason)

    async def problem(self) -> StorageProblem | None:
        """Why the service could not write, without writing; None when it could.

        Raises StorageUnavailable without a connection, or when PostgreSQL refuses the question: `known_problem` may
        say why.
        """
        if (schema := await self.schema_problem()) is not None:
            return StorageProblem(state="schema_too_old", reason=schema)
        async with self._unchecked_connection() as connection:
            missing = await missing_privilege(connection)
        return self.known_problem if missing is None else StorageProblem(state="cannot_write", reason=missing)

    async def schema_problem(self) -> str | None:
        """Why this code cannot work on the schema that is there; None when it can. A newer schema is fine."""
        async with self._unchecked_connection() as connection:
            current = await current_revision(connection)
        if current is None or current < self._required_revision:
            return f"schema is at {current or 'nothing'}, {self._required_revision} is needed: run `proposals migrate`"
        return None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        if not self._schema_is_current:
            if (problem := await self.schema_problem()) is not None:
                log.error("schema_too_old", problem=problem)
                raise StorageUnavailable
            self._schema_is_current = True
        async with self._unchecked_connection() as connection:
            yield connection

    @asynccontextmanager
    async def _unchecked_connection(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._connections.connection() as connection:
                yield connection
        except ForeignKeyViolation as failure:
            if (failure.diag.table_name, failure.diag.constraint_name) in FOREIGN_KEYS:
                raise DocumentPurged from None
            raise

"""Accepting an operation: key, request document and row in one statement, at PostgreSQL's time.

Where a key is claimed, the other two are inserted from what that insert returns: a key that is there leaves everything
as it is. The statement reads no table, because what commits while it runs is invisible to its reads
(docs/adr/0028-one-statement-for-a-new-key.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection

from domain.callback import CallbackSubscription
from domain.operation import SIMULATIONS_SCOPE, IdempotencyKey, Operation
from storage.batch_chunks import BatchChunks, NewChunk
from storage.documents import DOCUMENT_VALUES, Document
from storage.idempotency import CLAIM_KEY
from storage.operations import NEW_COLUMNS, TIME_COLUMNS, UNREAD_COLUMNS
from storage.rows import parameters_of
from storage.simulations import CLAIM_SIMULATION

_GIVEN_COLUMNS: Final = tuple(column for column in NEW_COLUMNS if column not in UNREAD_COLUMNS)
_OPERATION_VALUES: Final = {column: f"%({column})s" for column in NEW_COLUMNS} | dict.fromkeys(TIME_COLUMNS, "now()")


def _insert(table: str, values: Mapping[str, str], source: str) -> str:
    """In parentheses, so that a span of the whole is named by its last INSERT (runtime/sql_spans.py)."""
    return f"INSERT INTO {table} ({', '.join(values)}) (SELECT {', '.join(values.values())} {source})"


def _accept(*, key: str = "", source: str = "") -> str:
    return f"""
WITH {key} stored AS ({_insert("documents", DOCUMENT_VALUES, source)} ON CONFLICT (sha256) DO NOTHING)
{_insert("operations", _OPERATION_VALUES, source)} RETURNING created_at
"""


ACCEPT: Final = _accept()
ACCEPT_WITH_NEW_KEY: Final = _accept(key=f"claimed AS ({CLAIM_KEY}),", source="FROM claimed")
ACCEPT_SIMULATION: Final = _accept(key=f"claimed AS ({CLAIM_SIMULATION}),", source="FROM claimed")


@dataclass(frozen=True, kw_only=True, slots=True)
class NewOperation:
    """An operation as it is written; its own times are ignored. `metadata` is canonical JSON.

    One with chunks is several statements: it is added in a transaction.
    """

    operation: Operation
    document: Document
    metadata: str = field(default="{}", repr=False)
    callback: CallbackSubscription | None = None
    chunks: Sequence[NewChunk] = ()


class Submissions:
    """Both return the operation as it is stored, with PostgreSQL's times, and raise DocumentPurged."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._chunks = BatchChunks(connection)

    async def add(self, new: NewOperation) -> Operation:
        """Accept an operation without a key, or with one that is its own already."""
        cursor = await self._connection.execute(ACCEPT, _row(new))
        ((at,),) = await cursor.fetchall()
        return await self._with_chunks(new, at)

    async def add_with_new_key(self, new: NewOperation, key: IdempotencyKey) -> Operation | None:
        """Accept an operation and give it the key; None, and nothing is stored, when the key is held already.

        Waits for a concurrent claim of the key to commit or roll back.
        """
        statement = ACCEPT_SIMULATION if key.scope == SIMULATIONS_SCOPE else ACCEPT_WITH_NEW_KEY
        cursor = await self._connection.execute(statement, {**_row(new), **asdict(key)})
        accepted = await cursor.fetchone()
        return None if accepted is None else await self._with_chunks(new, accepted[0])

    async def _with_chunks(self, new: NewOperation, at: datetime) -> Operation:
        if new.chunks:
            await self._chunks.add(new.operation.operation_id, new.chunks, at=at)
        return replace(new.operation, created_at=at, updated_at=at, progress_at=at)


def _row(new: NewOperation) -> dict[str, Any]:
    return {
        **parameters_of(new.operation, _GIVEN_COLUMNS),
        **new.document.parameters(),
        "metadata": new.metadata,
        "callback_url": None if new.callback is None else new.callback.url,
        "callback_headers": None if new.callback is None else new.callback.headers_text(),
    }

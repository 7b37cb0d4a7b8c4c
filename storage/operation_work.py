"""An operation as its worker sees it: read with its request, marked RUNNING, and committed with all that it has made.

Each is one statement. On the hot path they are all that a small operation asks of PostgreSQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Final

from psycopg import AsyncConnection

from domain.creation import Created
from domain.operation import Operation, WholeOperation
from storage.documents import DOCUMENT_COLUMNS, Document, decompressed, document_row
from storage.events import EVENT_FIELDS
from storage.operations import OPERATION_COLUMNS, OPERATION_ROW, TERMINAL_CHANNEL
from storage.proposals import PROPOSAL_FIELDS, VERSION_FIELDS
from storage.rows import Repository, parameters_of, value_row

SELECT_WORK: Final = f"""
SELECT {OPERATION_COLUMNS}, o.metadata, o.gate_decision, d.content AS request_content
FROM operations o JOIN documents d ON d.sha256 = o.request_document WHERE o.operation_id = %(operation_id)s
"""
# Rows that are locked are about to end, or to be marked as started: the next round finds them as they are then.
MARK_RUNNING: Final = """
WITH seen AS (
    SELECT o.operation_id, o.status, b.elapsed
    FROM unnest(%(operation_ids)s::text[], %(elapsed)s::interval[]) AS b (operation_id, elapsed)
    JOIN operations o USING (operation_id)
    FOR UPDATE OF o SKIP LOCKED),
marked AS (
    UPDATE operations o
    SET status = 'RUNNING', started_at = greatest(o.created_at, now() - s.elapsed), updated_at = now(),
        progress_at = now(), started_workflow_at = coalesce(o.started_workflow_at, now())
    FROM seen s WHERE o.operation_id = s.operation_id AND s.status = 'PENDING')
SELECT operation_id FROM seen
"""


def _insert(table: str, columns: Sequence[str], *, prefix: str) -> str:
    """The row whose parameters have the prefix, if the operation has ended now."""
    values = ", ".join(f"%({prefix}{column})s" for column in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM ended"


@cache
def commit_statement(*, documents: int, adds_proposal: bool) -> str:
    """End an open operation with all that it has made; nothing at all is written for one that has ended.

    Foreign keys are checked when the statement is done, so the order of its parts does not matter.
    """
    inserts = {
        **{
            f"document_{number}": _insert("documents", DOCUMENT_COLUMNS, prefix=f"d{number}_")
            + " ON CONFLICT (sha256) DO NOTHING"
            for number in range(documents)
        },
        **({"proposal": _insert("proposals", PROPOSAL_FIELDS, prefix="p_")} if adds_proposal else {}),
        "version": _insert("proposal_versions", VERSION_FIELDS, prefix="v_"),
        "event": _insert("workflow_events", EVENT_FIELDS, prefix="e_"),
        "delivery": "INSERT INTO callback_deliveries (operation_id, status, created_at) "
        "SELECT operation_id, 'PENDING', now() FROM ended WHERE has_callback",
    }
    return f"""
WITH ended AS (
    UPDATE operations o
    SET status = 'SUCCEEDED', proposal_id = %(v_proposal_id)s, version_no = %(v_version_no)s,
        proposal_version_id = %(v_proposal_version_id)s, simulation_status = %(v_status_at_creation)s,
        artifact_hash = %(v_artifact_hash)s,
        started_at = coalesce(o.started_at, greatest(o.created_at, now() - %(elapsed)s)),
        started_workflow_at = coalesce(o.started_workflow_at, now()),
        updated_at = now(), progress_at = now(), finished_at = now()
    WHERE o.operation_id = %(v_operation_id)s AND o.status IN ('PENDING', 'RUNNING')
    RETURNING {OPERATION_COLUMNS}),
{", ".join(f"{name} AS ({insert})" for name, insert in inserts.items())}
SELECT ended.* FROM ended, pg_notify(%(channel)s, ended.operation_id)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedWork(WholeOperation):
    """An operation with the text of its request, as it is stored."""

    request_content: bytes = field(repr=False)

    @property
    def request_text(self) -> str:
        return decompressed(self.request_content).decode()


WORK_ROW: Final = value_row(AcceptedWork)


class WorkReader(Repository):
    async def get(self, operation_id: str) -> AcceptedWork | None:
        return await self._one(WORK_ROW, SELECT_WORK, operation_id=operation_id)


class OperationWork(WorkReader):
    """`ended` takes the operations that this connection ends, for the storage to report after the commit."""

    def __init__(self, connection: AsyncConnection, *, ended: list[Operation]) -> None:
        super().__init__(connection)
        self._ended = ended

    async def mark_running(self, elapsed: Mapping[str, timedelta]) -> list[str]:
        """Mark what is PENDING as RUNNING for so long; the operations that need no further mark, however they are."""
        cursor = await self._connection.execute(
            MARK_RUNNING, {"operation_ids": list(elapsed), "elapsed": list(elapsed.values())}
        )
        return [operation_id for (operation_id,) in await cursor.fetchall()]

    async def commit(
        self, created: Created, documents: Sequence[Document], *, elapsed: timedelta, adds_proposal: bool
    ) -> Operation | None:
        """The operation as it has ended with this; None, and nothing written, when it had ended before.

        `elapsed` is how long ago a worker began it, where its row does not say so. Documents that are stored already
        stay as they are.
        """
        parts = [
            ("p_", parameters_of(created.proposal, PROPOSAL_FIELDS) if adds_proposal else {}),
            ("v_", parameters_of(created.version, VERSION_FIELDS)),
            ("e_", parameters_of(created.event, EVENT_FIELDS)),
            *(
                (f"d{number}_", document_row(document, at=created.version.created_at))
                for number, document in enumerate(documents)
            ),
        ]
        parameters = {f"{prefix}{name}": value for prefix, row in parts for name, value in row.items()}
        statement = commit_statement(documents=len(documents), adds_proposal=adds_proposal)
        ended = await self._one(OPERATION_ROW, statement, **parameters, elapsed=elapsed, channel=TERMINAL_CHANNEL)
        if ended is not None:
            self._ended.append(ended)
        return ended

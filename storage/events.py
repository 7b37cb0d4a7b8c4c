"""The append-only audit trail of a proposal."""

from typing import Final

from domain.proposal import WorkflowEvent
from storage.rows import Repository, columns_of, insert_statement, parameters_of, value_row

_EVENT_COLUMNS: Final = columns_of("workflow_events", WorkflowEvent)
EVENT_COLUMNS: Final = ", ".join(_EVENT_COLUMNS)

INSERT_EVENT: Final = insert_statement("workflow_events", _EVENT_COLUMNS)
SELECT_EVENT: Final = f"SELECT {EVENT_COLUMNS} FROM workflow_events WHERE event_id = %(event_id)s"
SELECT_AT: Final = (
    f"SELECT {EVENT_COLUMNS} FROM workflow_events WHERE proposal_id = %(proposal_id)s AND sequence = %(sequence)s"
)
SELECT_TRAIL: Final = (
    f"SELECT {EVENT_COLUMNS} FROM workflow_events WHERE proposal_id = %(proposal_id)s ORDER BY sequence"
)
EVENT_ROW: Final = value_row(WorkflowEvent)


class EventReader(Repository):
    async def get(self, event_id: str) -> WorkflowEvent | None:
        return await self._one(EVENT_ROW, SELECT_EVENT, event_id=event_id)

    async def at(self, proposal_id: str, sequence: int) -> WorkflowEvent | None:
        return await self._one(EVENT_ROW, SELECT_AT, proposal_id=proposal_id, sequence=sequence)

    async def trail(self, proposal_id: str) -> list[WorkflowEvent]:
        """Oldest first."""
        return await self._all(EVENT_ROW, SELECT_TRAIL, proposal_id=proposal_id)


class Events(EventReader):
    async def append(self, event: WorkflowEvent) -> None:
        """Add a sealed event; the caller holds the proposal's row lock, or has just made the proposal."""
        await self._connection.execute(INSERT_EVENT, parameters_of(event, _EVENT_COLUMNS))

"""The append-only audit trail of a proposal."""

from datetime import datetime
from typing import Final

from domain.proposal import WorkflowEvent
from storage.rows import Repository, columns_of, insert_statement, parameters_of, value_row

EVENT_FIELDS: Final = columns_of(WorkflowEvent)
EVENT_COLUMNS: Final = ", ".join(EVENT_FIELDS)

INSERT_EVENT: Final = insert_statement("workflow_events", EVENT_FIELDS)
SELECT_EVENT: Final = f"SELECT {EVENT_COLUMNS} FROM workflow_events WHERE event_id = %(event_id)s"
SELECT_AT: Final = (
    f"SELECT {EVENT_COLUMNS} FROM workflow_events WHERE proposal_id = %(proposal_id)s AND sequence = %(sequence)s"
)
SELECT_TRAIL: Final = (
    f"SELECT {EVENT_COLUMNS} FROM workflow_events WHERE proposal_id = %(proposal_id)s ORDER BY sequence"
)
# When the state began that event `{sequence}` led to: not all events lead to another one.
STATE_BEGAN: Final = """(
SELECT e.occurred_at FROM workflow_events e
WHERE e.proposal_id = {proposal_id} AND e.sequence <= {sequence} AND e.from_state IS DISTINCT FROM e.to_state
ORDER BY e.sequence DESC LIMIT 1)"""
SELECT_STATE_BEGAN: Final = STATE_BEGAN.format(proposal_id="%(proposal_id)s", sequence="%(sequence)s")
EVENT_ROW: Final = value_row(WorkflowEvent)


class EventReader(Repository):
    async def get(self, event_id: str) -> WorkflowEvent | None:
        return await self._one(EVENT_ROW, SELECT_EVENT, event_id=event_id)

    async def at(self, proposal_id: str, sequence: int) -> WorkflowEvent | None:
        return await self._one(EVENT_ROW, SELECT_AT, proposal_id=proposal_id, sequence=sequence)

    async def state_began(self, event: WorkflowEvent) -> datetime:
        """When the state began that this event led to, or left as it was."""
        began: datetime | None = await self._value(
            SELECT_STATE_BEGAN, proposal_id=event.proposal_id, sequence=event.sequence
        )
        return began or event.occurred_at

    async def trail(self, proposal_id: str) -> list[WorkflowEvent]:
        """Oldest first."""
        return await self._all(EVENT_ROW, SELECT_TRAIL, proposal_id=proposal_id)


class Events(EventReader):
    async def append(self, event: WorkflowEvent) -> None:
        """Add a sealed event; the caller holds the proposal's row lock, or has just made the proposal."""
        await self._connection.execute(INSERT_EVENT, parameters_of(event, EVENT_FIELDS))

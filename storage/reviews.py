"""Recorded review and consent decisions, and the keys that stand for them."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from domain.operation import IdempotencyKey
from domain.proposal import Approval
from storage.rows import Repository, columns_of, insert_statement, parameters_of, value_row

_APPROVAL_COLUMNS: Final = columns_of(Approval)
APPROVAL_COLUMNS: Final = ", ".join(_APPROVAL_COLUMNS)

INSERT_APPROVAL: Final = insert_statement("approvals", _APPROVAL_COLUMNS)
# A clock that was set back gives several one moment; the trail knows which came first.
SELECT_APPROVALS: Final = f"""
SELECT {APPROVAL_COLUMNS} FROM approvals WHERE proposal_id = %(proposal_id)s
ORDER BY (SELECT sequence FROM workflow_events e WHERE e.event_id = approvals.event_id)
"""
SELECT_OF_EVENT: Final = f"SELECT {APPROVAL_COLUMNS} FROM approvals WHERE event_id = %(event_id)s"
APPROVAL_ROW: Final = value_row(Approval)


class ApprovalReader(Repository):
    async def of_proposal(self, proposal_id: str) -> list[Approval]:
        """Oldest first."""
        return await self._all(APPROVAL_ROW, SELECT_APPROVALS, proposal_id=proposal_id)

    async def of_event(self, event_id: str) -> Approval | None:
        return await self._one(APPROVAL_ROW, SELECT_OF_EVENT, event_id=event_id)


class Approvals(ApprovalReader):
    async def add(self, approval: Approval) -> None:
        """Add the approval of an event that the same transaction has appended."""
        await self._connection.execute(INSERT_APPROVAL, parameters_of(approval, _APPROVAL_COLUMNS))


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewKey(IdempotencyKey):
    """A key with the event that it stands for. Events never change, so the response is built from it again."""

    request_hash: str
    event_id: str
    created_at: datetime


_KEY_COLUMNS: Final = columns_of(ReviewKey)

INSERT_KEY: Final = insert_statement("review_keys", _KEY_COLUMNS)
SELECT_KEY: Final = (
    f"SELECT {', '.join(_KEY_COLUMNS)} FROM review_keys "
    "WHERE client = %(client)s AND scope = %(scope)s AND key = %(key)s"
)
KEY_ROW: Final = value_row(ReviewKey)


class ReviewKeys(Repository):
    """Keys of one proposal's reviews; every transaction that uses one holds that proposal's row lock."""

    async def get(self, key: IdempotencyKey) -> ReviewKey | None:
        return await self._one(KEY_ROW, SELECT_KEY, **asdict(key))

    async def add(self, key: ReviewKey) -> None:
        await self._connection.execute(INSERT_KEY, parameters_of(key, _KEY_COLUMNS))

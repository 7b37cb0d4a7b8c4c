"""Reviews in the order of the trail, whatever the clock says."""

import pytest
from storage_rows import a_created_proposal

from domain.lifecycle import ReviewCommand, ReviewRules
from domain.proposal import ApprovalType, EventType
from services.lifecycle import ProposalWorkflowService
from storage import proposals
from storage.unit_of_work import Storage


class EarlierEachTime:
    """A source of ids on a machine whose time is set back again and again."""

    def __init__(self) -> None:
        self._left = 100

    def new_event_id(self) -> str:
        self._left -= 1
        return f"pwe_{self._left:032x}"


async def test_decisions_are_listed_oldest_first_after_the_clock_was_set_back(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
):
    proposal_id = (await a_created_proposal(storage)).proposal_id
    assert proposal_id is not None
    set_back = proposals.LOCK_PROPOSAL.replace("clock_timestamp()", "timestamptz '2020-01-01'")
    monkeypatch.setattr(proposals, "LOCK_PROPOSAL", set_back)
    monkeypatch.setattr("services.lifecycle.new_event_id", EarlierEachTime().new_event_id)
    reviews = ProposalWorkflowService(storage, ReviewRules(require_expected_state=False))
    for event_type in (
        EventType.SUBMITTED_FOR_RISK_REVIEW,
        EventType.RISK_APPROVED,
        EventType.CLIENT_CONSENT_RECORDED,
    ):
        command = ReviewCommand(actor_id="reviewer_1", decisions=frozenset(ApprovalType), reason="{}")
        await reviews.transition(proposal_id, event_type, command, client="local", keyed=None)
    async with storage.reading() as reading:
        approvals = await reading.approvals.of_proposal(proposal_id)
        trail = await reading.events.trail(proposal_id)
    assert len({event.occurred_at for event in trail}) == 1
    assert [approval.approval_type for approval in approvals] == [ApprovalType.RISK, ApprovalType.CLIENT_CONSENT]

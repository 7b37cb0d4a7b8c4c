"""Reviewing proposals: lock, decide, write, in one short transaction.

"Workflow" is the contract's word for the review here; it has nothing to do with Temporal.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from domain.errors import IdempotencyKeyConflict, InvariantBroken, ProposalNotFound
from domain.ids import derived_id, new_event_id
from domain.lifecycle import (
    Decision,
    ReviewCommand,
    Reviewed,
    ReviewRules,
    decide_approval,
    decide_transition,
    needs_second_person,
    refuse_authors,
    reviewed,
)
from domain.operation import IdempotencyKey
from domain.proposal import Approval, ApprovalType, EventType, Proposal, WorkflowEvent
from domain.text import is_identifier
from storage.reviews import ReviewKey
from storage.unit_of_work import Storage, Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyedReview:
    """An optional idempotency key with the hash of the request that it stands for."""

    key: IdempotencyKey
    request_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewResult:
    """The rows that a review wrote; `is_replay` when an earlier request with its key did."""

    event: WorkflowEvent
    approval: Approval | None
    is_replay: bool


class ProposalWorkflowService:
    """Transitions and approvals; each is decided on a locked row, so of identical concurrent ones the first wins."""

    def __init__(self, storage: Storage, rules: ReviewRules) -> None:
        self._storage = storage
        self._rules = rules

    async def transition(
        self, proposal_id: str, event_type: EventType, command: ReviewCommand, *, client: str, keyed: KeyedReview | None
    ) -> ReviewResult:
        """Record an event.

        Raises ProposalNotFound, IdempotencyKeyConflict, what `decide_transition` refuses, FourEyesViolation.
        """

        def decide(proposal: Proposal) -> Decision:
            return decide_transition(proposal, event_type, command, self._rules)

        return await self._record(proposal_id, decide, command, client=client, keyed=keyed)

    async def approve(
        self,
        proposal_id: str,
        approval_type: ApprovalType,
        command: ReviewCommand,
        *,
        approved: bool,
        client: str,
        keyed: KeyedReview | None,
    ) -> ReviewResult:
        """Record a decision.

        Raises ProposalNotFound, IdempotencyKeyConflict, what `decide_approval` refuses, FourEyesViolation.
        """

        def decide(proposal: Proposal) -> Decision:
            return decide_approval(proposal, approval_type, command, self._rules, approved=approved)

        return await self._record(proposal_id, decide, command, client=client, keyed=keyed)

    async def _record(
        self,
        proposal_id: str,
        decide: Callable[[Proposal], Decision],
        command: ReviewCommand,
        *,
        client: str,
        keyed: KeyedReview | None,
    ) -> ReviewResult:
        if not is_identifier(proposal_id):
            raise ProposalNotFound
        async with self._storage.transaction() as transaction:
            proposal = await transaction.proposals.lock_proposal(proposal_id, client=client)
            if proposal is None:
                raise ProposalNotFound
            earlier = None if keyed is None else await _replayed(transaction, keyed)
            if earlier is not None:
                return earlier
            decision = decide(proposal)
            if needs_second_person(decision, self._rules):
                refuse_authors(command, authors=await _authors(transaction, proposal))
            event_id = new_event_id()
            written = reviewed(
                proposal,
                decision,
                command,
                event_id=event_id,
                approval_id=derived_id("pap", event_id),
                at=proposal.locked_at,
            )
            await _write(transaction, written, keyed)
        return ReviewResult(event=written.event, approval=written.approval, is_replay=False)


async def _authors(transaction: Transaction, proposal: Proposal) -> frozenset[str]:
    """The authors of the locked proposal and of its current version.

    A statement after the lock: one that takes the lock and reads the version, too, would not see a version that was
    committed while it waited.
    """
    version = await transaction.proposals.version(proposal.proposal_id, proposal.current_version_no)
    if version is None:
        raise InvariantBroken("the current version of a proposal is missing")
    return frozenset({proposal.created_by, version.created_by})


async def _replayed(transaction: Transaction, keyed: KeyedReview) -> ReviewResult | None:
    """The result that the key stands for, None while it is free. Concurrent requests wait for the proposal's lock."""
    stored = await transaction.review_keys.get(keyed.key)
    if stored is None:
        return None
    if stored.request_hash != keyed.request_hash:
        raise IdempotencyKeyConflict
    event = await transaction.events.get(stored.event_id)
    if event is None:
        raise InvariantBroken("the event of a key is gone")
    return ReviewResult(event=event, approval=await transaction.approvals.of_event(event.event_id), is_replay=True)


async def _write(transaction: Transaction, written: Reviewed, keyed: KeyedReview | None) -> None:
    await transaction.events.append(written.event)
    if written.approval is not None:
        await transaction.approvals.add(written.approval)
    await transaction.proposals.advance(written.proposal)
    if keyed is not None:
        await transaction.review_keys.add(
            ReviewKey(
                **asdict(keyed.key),
                request_hash=keyed.request_hash,
                event_id=written.event.event_id,
                created_at=written.event.occurred_at,
            )
        )
